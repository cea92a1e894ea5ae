#include "core/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/error.h"
#include "core/base/resident_window.h"

namespace halftone {
namespace {

// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail_to_read(const std::filesystem::path &path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      fail(Status::kNotFound, "file '{}' does not exist; check the path", path.string());
    case EACCES:
    case EPERM:
      fail(Status::kPermissionDenied, "file '{}' may not be read: {}; check its permissions", path.string(),
           std::strerror(error));
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      fail(Status::kResourceExhausted, "file '{}' cannot be opened: {}", path.string(), std::strerror(error));
    default:
      fail(Status::kDataLoss, "file '{}' cannot be read: {}", path.string(), std::strerror(error));
  }
}

// Opens a regular file and tells its size. O_NONBLOCK keeps a named pipe from blocking before it is refused.
int open_regular(const std::filesystem::path &path, std::size_t &size) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail_to_read(path, errno);
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    const int error = errno;
    ::close(fd);
    fail_to_read(path, error);
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd);
    fail(Status::kInvalidArgument, "'{}' is {}, not a file; name a file", path.string(),
         S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
  }
  size = static_cast<std::size_t>(info.st_size);
  return fd;
}

}  // namespace

std::string read_file(const std::filesystem::path &path) {
  std::size_t size = 0;
  const Descriptor file(open_regular(path, size));
  std::string content(size + 1, '\0');  // one more, so that the end is seen without growing
  std::size_t done = 0;
  // A file of /proc says size 0 and one that grows says too little, so read until the end is seen.
  while (true) {
    if (done == content.size()) content.resize(2 * done);
    const ssize_t got = ::read(file.get(), content.data() + done, content.size() - done);
    if (got < 0) {
      if (errno == EINTR) continue;
      fail_to_read(path, errno);
    }
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  content.resize(done);
  return content;
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path &path) {
  std::size_t size = 0;
  const Descriptor file(open_regular(path, size));
  void *data = nullptr;
  if (size > 0) {
    data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (data == MAP_FAILED) fail_to_read(path, errno);
  }
  std::shared_ptr<const MappedFile> map(new MappedFile(static_cast<const std::byte *>(data), size));
  add_map(map->bytes());
  return map;
}

MappedFile::~MappedFile() {
  if (size_ == 0) return;
  remove_map(bytes());
  ::munmap(const_cast<std::byte *>(data_), size_);
}

}  // namespace halftone
