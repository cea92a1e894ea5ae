// Files as readers use them: opened once, read at an offset from any thread, sorted folders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace halftone::readers {

// Bytes at an offset: a file, or a member of an archive.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  // Fills `out` whole or throws DATA_LOSS naming the source. From any thread.
  virtual void read(std::uint64_t offset, std::span<std::byte> out) const = 0;
};

// An open file that several threads may read at once. Reads are pread, never a memory map: a file that shrinks
// meanwhile is an error, not a signal.
class RandomFile final : public ByteSource {
 public:
  explicit RandomFile(const std::filesystem::path &path);  // throws sdk::Failure naming the path
  ~RandomFile() override;
  RandomFile(RandomFile &&other) noexcept;
  RandomFile(const RandomFile &) = delete;
  RandomFile &operator=(const RandomFile &) = delete;

  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, std::span<std::byte> out) const override;

 private:
  std::string name_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

// The path as messages show it: "'calib/x.npy'".
std::string quoted(const std::filesystem::path &path);

// Regular files of a folder whose extension (in lower case) is one of `extensions`, sorted by name. Throws when there
// are none, naming what was looked for.
std::vector<std::filesystem::path> sorted_files(const std::filesystem::path &folder,
                                                std::span<const std::string_view> extensions);

// Throws NOT_FOUND when nothing is there.
bool is_folder(const std::filesystem::path &path);

// The one file that holds all samples: the path itself, or a file of this name in the folder. Nothing where the files
// of the folder are the samples. Throws as is_folder() does.
std::optional<std::filesystem::path> file_of_all(const std::filesystem::path &path, std::string_view name);

}  // namespace halftone::readers
