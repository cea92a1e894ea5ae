#include "core/base/resident_window.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "tests/unit/base/temp_folder.h"

namespace halftone {
namespace {

constexpr std::size_t kPiece = std::size_t{32} << 20U;
constexpr std::size_t kPieces = 12;
constexpr auto kPieceHeld = static_cast<std::int64_t>(kPiece);
constexpr auto kWindowHeld = static_cast<std::int64_t>(kResidentWindow);
static_assert(kPiece * kPieces > kResidentWindow);

// Bytes of mapped files that this process holds, as the system counts them; files in memory are counted apart.
std::int64_t resident_of_files() {
  std::ifstream status("/proc/self/status");
  std::int64_t total = 0;
  for (std::string word; status >> word;) {
    std::int64_t kib = 0;
    if ((word == "RssFile:" || word == "RssShmem:") && status >> kib) total += kib * 1024;
  }
  return total;
}

unsigned sum_of_pages(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 4096) sum += std::to_integer<unsigned>(bytes[i]);
  return sum;
}

// A file of zeros with a mark at the beginning of each piece.
std::filesystem::path marked_file(const test::TempFolder &folder) {
  const auto path = folder.write("weights", "");
  std::filesystem::resize_file(path, kPiece * kPieces);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  for (std::size_t i = 0; i < kPieces; ++i) {
    file.seekp(static_cast<std::streamoff>(i * kPiece));
    file.put(static_cast<char>(i + 1));
  }
  return path;
}

}  // namespace

TEST_CASE("of weights that are read one after the other a window stays resident") {
  const test::TempFolder folder;
  const auto file = MappedFile::open(marked_file(folder));
  const std::int64_t before = resident_of_files();
  std::int64_t most = 0;
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < kPieces; ++i) {
      const auto piece = file->bytes().subspan(i * kPiece, kPiece);
      announce_read(piece);
      CHECK(sum_of_pages(piece) == i + 1);
      most = std::max(most, resident_of_files() - before);
    }
  }
  CHECK(most > kWindowHeld / 2);  // or nothing was measured
  CHECK(most <= kWindowHeld + kPieceHeld);
}

TEST_CASE("bytes that are given back are no longer resident and read the same again") {
  const test::TempFolder folder;
  const auto file = MappedFile::open(marked_file(folder));
  const std::int64_t before = resident_of_files();
  const auto piece = file->bytes().subspan(kPiece, kPiece);
  CHECK(sum_of_pages(piece) == 2);
  CHECK(resident_of_files() >= before + kPieceHeld / 2);
  give_back(piece);
  CHECK(resident_of_files() < before + kPieceHeld / 2);
  CHECK(sum_of_pages(piece) == 2);
}

TEST_CASE("memory that is no map does not count towards the window") {
  const test::TempFolder folder;
  const auto file = MappedFile::open(marked_file(folder));
  const std::int64_t before = resident_of_files();
  const auto piece = file->bytes().subspan(kPiece, kPiece);
  announce_read(piece);
  CHECK(sum_of_pages(piece) == 2);
  std::vector<std::byte> own(kPiece, std::byte{7});
  for (std::size_t i = 0; i <= kPieces; ++i) announce_read(own);
  CHECK(resident_of_files() >= before + kPieceHeld / 2);  // or the piece was given back for them
  give_back(own);
  CHECK(sum_of_pages(own) == 7 * kPiece / 4096);
}

}  // namespace halftone
