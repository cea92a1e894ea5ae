#include "core/base/temporary.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/base/error.h"

namespace halftone {

namespace fs = std::filesystem;

void fail_to_write(const fs::path &target, int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      fail(Status::kResourceExhausted, "no space left to write '{}': {}; free some space or write elsewhere",
           target.string(), std::strerror(error));
    case EACCES:
    case EPERM:
    case EROFS:
      fail(Status::kPermissionDenied, "cannot write '{}': {}; check the permissions of folder '{}'", target.string(),
           std::strerror(error), target.parent_path().string());
    case ENOENT:
    case ENOTDIR:
      fail(Status::kNotFound, "cannot write '{}': there is no folder '{}'; create it first", target.string(),
           target.parent_path().string());
    default:
      fail(Status::kInternal, "cannot write '{}': {}", target.string(), std::strerror(error));
  }
}

fs::path file_behind(fs::path target) {
  std::error_code error;
  if (!fs::is_symlink(target, error)) return target;
  fs::path real = fs::weakly_canonical(target, error);
  return real.empty() ? target : real;
}

fs::path temporary_name(const fs::path &target) {
  static std::atomic<unsigned> counter{0};
  return target.parent_path() / fmt::format(".halftone-{}-{}.tmp", ::getpid(), counter.fetch_add(1));
}

void sync_folder(const fs::path &folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;  // a folder that may be written but not read: the rename is done, only its durability is less sure
  ::fsync(fd);
  ::close(fd);
}

}  // namespace halftone
