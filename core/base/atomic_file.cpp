#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/temporary.h"

namespace halftone {
namespace {

namespace fs = std::filesystem;

int create_temporary(const fs::path &target, fs::path &temporary) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    temporary = temporary_name(target);
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return fd;
    if (errno != EEXIST) break;
  }
  const int error = errno;
  temporary.clear();
  fail_to_write(target, error);
}

}  // namespace

AtomicFile::AtomicFile(fs::path target) : target_(file_behind(std::move(target))) {
  if (!target_.has_filename()) {
    fail(Status::kInvalidArgument, "'{}' names no file to write; add a file name", target_.string());
  }
  std::error_code ignored;
  if (!target_.has_parent_path()) target_ = fs::path(".") / target_;
  const fs::file_status status = fs::status(target_, ignored);
  if (fs::is_directory(status)) {
    fail(Status::kInvalidArgument, "cannot write '{}': it is a folder; add a file name", target_.string());
  }
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    // A device or pipe (/dev/null, /dev/stdout) must not be replaced by a file: write to it as it is.
    fd_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) fail_to_write(target_, errno);
    return;
  }
  fd_ = create_temporary(target_, temporary_);
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (fd_ < 0) fail(Status::kFailedPrecondition, "'{}' is written after it was committed", target_.string());
  constexpr std::size_t kChunk = std::size_t{1} << 30;  // one call writes less than 2 GiB
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd_, bytes.data(), std::min(bytes.size(), kChunk));
    if (done < 0) {
      if (errno == EINTR) continue;
      fail_to_write(target_, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::overwrite(std::uint64_t offset, std::string_view text) {
  if (fd_ < 0) fail(Status::kFailedPrecondition, "'{}' is written after it was committed", target_.string());
  while (!text.empty()) {
    const ssize_t done = ::pwrite(fd_, text.data(), text.size(), static_cast<off_t>(offset));
    if (done < 0) {
      if (errno == EINTR) continue;
      fail_to_write(target_, errno);
    }
    offset += static_cast<std::uint64_t>(done);
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

void AtomicFile::finish() {
  if (fd_ < 0) fail(Status::kFailedPrecondition, "'{}' is committed twice", target_.string());
  // Some file systems report a full disk only here. Devices and pipes know no fsync.
  if (::fsync(fd_) != 0 && !temporary_.empty()) fail_to_write(target_, errno);
  const int fd = fd_;
  fd_ = -1;
  finished_ = true;
  if (::close(fd) != 0 && errno != EINTR) fail_to_write(target_, errno);
}

void AtomicFile::commit() {
  if (!finished_ || committed_) finish();
  committed_ = true;
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail_to_write(target_, errno);
  temporary_.clear();
  sync_folder(target_.parent_path());
}

std::unique_ptr<AtomicFile> finished_file(const std::filesystem::path &path, std::string_view text) {
  if (path.empty()) return nullptr;
  auto file = std::make_unique<AtomicFile>(path);
  file->write(text);
  file->finish();
  return file;
}

void write_file_atomically(const fs::path &path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

}  // namespace halftone
