#include "core/base/file_lock.h"

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"

namespace halftone {
namespace {

// Whether the path still names the open file: the holder before may have removed it in between.
bool names(const std::filesystem::path &path, int fd) {
  struct stat open_file {
  }, named{};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 && open_file.st_ino == named.st_ino &&
         open_file.st_dev == named.st_dev;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path &target) : path_(target.string() + ".lock") {
  for (;;) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) return;  // a folder that cannot be written is told by whoever writes the target
    int failed = 0;
    do failed = ::flock(fd_, LOCK_EX | LOCK_NB);
    while (failed != 0 && errno == EINTR);
    if (failed == 0 && names(path_, fd_)) return;
    const int error = errno;
    ::close(fd_);
    fd_ = -1;
    if (failed == 0) continue;
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
