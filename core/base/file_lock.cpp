#include "core/base/file_lock.h"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/temporary.h"

namespace halftone {
namespace {

// Whether the path still names the open file: the holder before may have removed it in between.
bool names(const std::filesystem::path &path, int fd) {
  struct stat open_file {
  }, named{};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 && open_file.st_ino == named.st_ino &&
         open_file.st_dev == named.st_dev;
}

struct Opened {
  int fd = -1;
  bool made = false;      // by this call
  bool vanished = false;  // it was there, and was removed before it could be opened
};

// A file that another user left is perhaps only to be read, which is enough for a lock on most file systems.
Opened open_lock(const std::filesystem::path &path) {
  Opened opened;
  opened.fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  opened.made = opened.fd >= 0;
  if (opened.made || errno != EEXIST) return opened;
  opened.fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (opened.fd < 0 && errno == EACCES) opened.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  opened.vanished = opened.fd < 0 && errno == ENOENT;
  return opened;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path &target) : path_(file_behind(target).string() + ".lock") {
  std::error_code error_of_status;
  const std::filesystem::file_status status = std::filesystem::status(target, error_of_status);
  // A device or pipe is not replaced, and beside it is no place for a file.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) return;
  constexpr int kMostAttempts = 100;  // the holder before may remove the file between any two steps
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const Opened opened = open_lock(path_);
    if (opened.vanished) continue;
    if (opened.fd < 0) return;  // a folder that cannot be written is told by whoever writes the target
    int failed = 0;
    do failed = ::flock(opened.fd, LOCK_EX | LOCK_NB);
    while (failed != 0 && errno == EINTR);
    const int error = failed == 0 ? 0 : errno;
    if (error == 0 && names(path_, opened.fd)) {
      fd_ = opened.fd;
      return;
    }
    // Where there are no locks the file is of no use to anybody.
    if (error != 0 && error != EWOULDBLOCK && opened.made) ::unlink(path_.c_str());
    ::close(opened.fd);
    if (error == 0) continue;
    if (error != EWOULDBLOCK) return;
    fail(Status::kFailedPrecondition,
         "another process is writing '{}' (it holds '{}'); wait for it, or name another output", target.string(),
         path_.string());
  }
}

FileLock::~FileLock() {
  if (fd_ < 0) return;
  struct stat file {};
  // Removed before it is let go, so that nobody locks a file that is about to vanish unseen. One with content is not
  // ours.
  if (::fstat(fd_, &file) == 0 && file.st_size == 0 && names(path_, fd_)) ::unlink(path_.c_str());
  ::close(fd_);
}

}  // namespace halftone
