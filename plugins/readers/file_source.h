// Files as readers use them: opened once, read at an offset from any thread, sorted folders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace halftone::readers {

// An open file that several threads may read at once. Reads are pread, never a memory map: a file that shrinks
// meanwhile is an error, not a signal.
class RandomFile {
 public:
  explicit RandomFile(const std::filesystem::path &path);  // throws sdk::Failure naming the path
  ~RandomFile();
  RandomFile(RandomFile &&other) noexcept;
  RandomFile(const RandomFile &) = delete;
  RandomFile &operator=(const RandomFile &) = delete;

  std::uint64_t size() const { return size_; }
  // Fills `out` whole or throws DATA_LOSS naming the file.
  void read(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  std::string name_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

// Regular files of a folder whose extension (in lower case) is one of `extensions`, sorted by name. Throws when there
// are none, naming what was looked for.
std::vector<std::filesystem::path> sorted_files(const std::filesystem::path &folder,
                                                std::span<const std::string_view> extensions);

// Throws NOT_FOUND when nothing is there.
bool is_folder(const std::filesystem::path &path);

}  // namespace halftone::readers
