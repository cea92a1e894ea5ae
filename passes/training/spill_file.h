// A temporary file without a name, written and read at offsets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

namespace halftone::passes {

// Throws sdk::Failure where the folder of temporary files takes none: when a run begins, and not after hours of it,
// when the first value has to go there.
void require_spill_folder();

class SpillFile {
 public:
  SpillFile();  // throws sdk::Failure when the folder takes no file
  ~SpillFile();
  SpillFile(const SpillFile &) = delete;
  SpillFile &operator=(const SpillFile &) = delete;

  // Where there is room for so many bytes; freed room is used again.
  std::uint64_t allocate(std::uint64_t size);
  void free(std::uint64_t offset, std::uint64_t size);
  void write(std::uint64_t offset, std::span<const std::byte> bytes) const;
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  int descriptor_ = -1;
  std::uint64_t end_ = 0;
  std::multimap<std::uint64_t, std::uint64_t> free_;  // size to offset
};

}  // namespace halftone::passes
