// Files: whole reads, private memory maps, and writes that appear at once or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace halftone {

// Whole content of a regular file. Throws NotFound, PermissionDenied or InvalidArgument (a directory) naming the path.
std::string read_file(const std::filesystem::path &path);

// A read-only map of a file, kept alive by whoever holds the pointer.
class MappedFile {
 public:
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path &path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

 private:
  MappedFile(const std::byte *data, std::size_t size) : data_(data), size_(size) {}
  const std::byte *data_;
  std::size_t size_;
};

// Writes to a temporary name in the target's folder; commit() makes it durable (fsync) and renames it over the target.
// Without commit() the destructor removes the temporary file and the target is as it was.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);  // throws when the folder cannot be written
  ~AtomicFile();
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;
  void write(std::span<const std::byte> bytes);  // throws ResourceExhausted on a full disk
  void write(std::string_view text);
  // Replaces bytes that were written before: a header whose numbers are known only at the end.
  void overwrite(std::uint64_t offset, std::string_view text);
  // All of commit() that a full disk can make fail; the target is still as it was. Nothing can be written afterwards.
  void finish();
  void commit();
  const std::filesystem::path &target() const noexcept { return target_; }

 private:
  std::filesystem::path target_, temporary_;
  int fd_ = -1;
  bool finished_ = false, committed_ = false;
};

// A text that is written and complete: only commit() is left. Null for an empty path.
std::unique_ptr<AtomicFile> finished_file(const std::filesystem::path &path, std::string_view text);
void write_file_atomically(const std::filesystem::path &path, std::string_view content);

}  // namespace halftone
