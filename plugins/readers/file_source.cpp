#include "file_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "halftone/status.hpp"

namespace halftone::readers {

RandomFile::RandomFile(const std::filesystem::path &path) : name_(path.string()) {
  fd_ = ::open(name_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a named pipe must not block before it is refused
  if (fd_ < 0) {
    const int code = errno;
    const ht_status status = code == ENOENT                     ? HT_NOT_FOUND
                             : code == EACCES || code == EPERM  ? HT_PERMISSION_DENIED
                             : code == EMFILE || code == ENFILE ? HT_RESOURCE_EXHAUSTED
                                                                : HT_INVALID_ARGUMENT;
    const std::string remedy = code == EACCES || code == EPERM ? "; check its permissions" : "; check the path";
    throw sdk::Failure(status, "cannot open '" + name_ + "': " + std::strerror(code) + remedy);
  }
  struct stat info {};
  if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd_);
    throw sdk::Failure(HT_INVALID_ARGUMENT, "'" + name_ + "' is not a regular file");
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
}

RandomFile::~RandomFile() {
  if (fd_ >= 0) ::close(fd_);
}

RandomFile::RandomFile(RandomFile &&other) noexcept
    : name_(std::move(other.name_)), fd_(other.fd_), size_(other.size_) {
  other.fd_ = -1;
}

void RandomFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ::ssize_t got = ::pread(fd_, out.data() + done, out.size() - done, static_cast<::off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw sdk::Failure(HT_DATA_LOSS, "cannot read '" + name_ + "': " + std::strerror(errno));
    if (got == 0) {
      throw sdk::Failure(HT_DATA_LOSS,
                         "'" + name_ + "' ends at byte " + std::to_string(offset + done) + ", before the data does");
    }
    done += static_cast<std::size_t>(got);
  }
}

std::string quoted(const std::filesystem::path &path) {
  std::string text = path.string();
  text.insert(text.begin(), '\'');
  text.push_back('\'');
  return text;
}

std::vector<std::filesystem::path> sorted_files(const std::filesystem::path &folder,
                                                std::span<const std::string_view> extensions) {
  std::vector<std::filesystem::path> out;
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error) throw sdk::Failure(HT_PERMISSION_DENIED, "cannot list '" + folder.string() + "': " + error.message());
  for (; entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::filesystem::path &path = entries->path();
    std::string extension = path.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    const bool wanted = std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
    std::error_code ignored;
    if (wanted && std::filesystem::is_regular_file(path, ignored)) out.push_back(path);
    if (error) throw sdk::Failure(HT_DATA_LOSS, "cannot list '" + folder.string() + "': " + error.message());
  }
  if (out.empty()) {
    std::string list;
    for (const std::string_view extension : extensions) list += (list.empty() ? "" : ", ") + std::string(extension);
    throw sdk::Failure(HT_NOT_FOUND, "no file in '" + folder.string() + "' ends with " + list);
  }
  // By name, not in the order of the file system: samples keep their numbers everywhere.
  std::sort(out.begin(), out.end());
  return out;
}

bool is_folder(const std::filesystem::path &path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status))
    throw sdk::Failure(HT_NOT_FOUND, "'" + path.string() + "' does not exist; check the path");
  return std::filesystem::is_directory(status);
}

std::optional<std::filesystem::path> file_of_all(const std::filesystem::path &path, std::string_view name) {
  if (!is_folder(path)) return path;
  std::filesystem::path whole = path / name;
  return std::filesystem::is_regular_file(whole) ? std::optional(std::move(whole)) : std::nullopt;
}

}  // namespace halftone::readers
