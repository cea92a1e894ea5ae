#include "spill_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "halftone/status.hpp"

namespace halftone::passes {
namespace {

[[noreturn]] void give_up(const char *what, int error) {
  throw sdk::Failure(HT_RESOURCE_EXHAUSTED, std::string("the data of blocks ") + what + ": " + std::strerror(error) +
                                                "; set TMPDIR to a folder with room, or raise the pass's `memory`");
}

std::string folder() {
  const char *named = std::getenv("TMPDIR");
  return named == nullptr || *named == '\0' ? "/tmp" : named;
}

std::string pattern() {
  return folder() + "/halftone-XXXXXX";
}

}  // namespace

void require_spill_folder() {
  const std::string where = folder();
  struct stat found {};
  const bool known = ::stat(where.c_str(), &found) == 0;
  if (known && S_ISDIR(found.st_mode) && ::access(where.c_str(), W_OK | X_OK) == 0) return;
  const char *why = !known ? std::strerror(errno) : S_ISDIR(found.st_mode) ? "it cannot be written" : "it is no folder";
  throw sdk::Failure(HT_FAILED_PRECONDITION,
                     "the data of blocks may need a temporary file, and there can be none in '" + where + "': " + why +
                         "; set TMPDIR to a folder with room");
}

SpillFile::SpillFile() {
  const std::string name = pattern();
  std::vector<char> path(name.begin(), name.end());
  path.push_back('\0');
  descriptor_ = ::mkstemp(path.data());
  if (descriptor_ < 0) give_up(("cannot be put into '" + name + "'").c_str(), errno);
  ::unlink(path.data());
}

SpillFile::~SpillFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t SpillFile::allocate(std::uint64_t size) {
  // Samples of one value are mostly of one size: a hole of the very size is as good as any.
  if (const auto hole = free_.find(size); hole != free_.end()) {
    const std::uint64_t offset = hole->second;
    free_.erase(hole);
    return offset;
  }
  const std::uint64_t offset = end_;
  end_ += size;
  return offset;
}

void SpillFile::free(std::uint64_t offset, std::uint64_t size) {
  free_.emplace(size, offset);
}

void SpillFile::write(std::uint64_t offset, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) give_up("cannot be written to the temporary file", done < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

void SpillFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t done = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) give_up("cannot be read from the temporary file", done < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

}  // namespace halftone::passes
