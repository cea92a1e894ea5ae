#include <minizip/zip.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <thread>

#include "plugins/readers/member_samples.h"
#include "reader_host.h"
#include "tests/unit/base/temp_folder.h"

using halftone::readers::MemberSamples;
using halftone::readers::SampleAxis;
using halftone::readers::ZipArchive;
using halftone::test::expect_refused;
using halftone::test::OpenReader;
using halftone::test::shape_of;
using halftone::test::TempFolder;
using halftone::test::values_of;

namespace {

std::string npy(const std::string &shape, std::int32_t count, std::int32_t first = 0) {
  std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': " + shape + ", }\n";
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size());
  file += '\0';
  file += header;
  std::vector<std::int32_t> data(static_cast<std::size_t>(count));
  std::iota(data.begin(), data.end(), first);
  return file.append(reinterpret_cast<const char *>(data.data()), data.size() * sizeof(std::int32_t));
}

constexpr int kStored = 0;
struct Entry {
  std::string name, content;
  int method = Z_DEFLATED;
};

std::filesystem::path write_zip(const std::filesystem::path &path, const std::vector<Entry> &entries) {
  zipFile archive = zipOpen64(path.c_str(), APPEND_STATUS_CREATE);
  REQUIRE(archive != nullptr);
  for (const Entry &entry : entries) {
    const zip_fileinfo info{};
    REQUIRE(zipOpenNewFileInZip64(archive, entry.name.c_str(), &info, nullptr, 0, nullptr, 0, nullptr, entry.method,
                                  Z_DEFAULT_COMPRESSION, 0) == ZIP_OK);
    const auto size = static_cast<unsigned>(entry.content.size());
    REQUIRE(zipWriteInFileInZip(archive, entry.content.data(), size) == ZIP_OK);
    REQUIRE(zipCloseFileInZip(archive) == ZIP_OK);
  }
  REQUIRE(zipClose(archive, nullptr) == ZIP_OK);
  return path;
}

// Values in the order of the reader's schema.
struct Settings {
  ht_str array{}, input{};
  std::int64_t batches = 0;
  std::vector<ht_value> args() const {
    return {{HT_VALUE_STR, 1, &array, {0, 0}}, {HT_VALUE_STR, 1, &input, {0, 0}}, {HT_VALUE_FLAG, 1, &batches, {0, 0}}};
  }
};
ht_str text(std::string_view s) {
  return {s.data(), s.size()};
}

std::vector<std::int32_t> read(OpenReader &reader, std::uint64_t index) {
  ht_tensor_view sample{};
  const ht_status status = reader.read(index, sample);
  INFO(reader.text());
  REQUIRE(status == HT_OK);
  return values_of<std::int32_t>(sample);
}

std::string bytes_of(const std::filesystem::path &path) {
  std::ostringstream all;
  all << std::ifstream(path, std::ios::binary).rdbuf();
  return all.str();
}

}  // namespace

TEST_CASE("an archive's array has samples along axis 0, stored or compressed") {
  const TempFolder folder;
  for (const int method : {kStored, Z_DEFLATED}) {
    const auto path = write_zip(folder / "x.npz", {{"arr_0.npy", npy("(3, 2)", 6), method}});
    OpenReader reader("npz", path.string(), Settings().args());
    INFO(reader.text());
    REQUIRE(reader.status() == HT_OK);
    CHECK(reader.count() == 3);
    for (const std::uint64_t index : {1, 2, 0, 2, 1}) {
      const auto first = static_cast<std::int32_t>(2 * index);
      CHECK(read(reader, index) == std::vector<std::int32_t>{first, first + 1});
    }
    ht_tensor_view sample{};
    CHECK(reader.read(3, sample) == HT_INVALID_ARGUMENT);
    CHECK(reader.name(2) == "x.npz[2]");
  }
}

TEST_CASE("an input takes the array of its name, whatever the order of members") {
  const TempFolder folder;
  const std::vector<Entry> members = {
      {"notes.txt", "no array"}, {"right.npy", npy("(2, 1)", 2, 10)}, {"deep/left.npy", npy("(2, 1)", 2, 20), kStored}};
  const auto path = write_zip(folder / "x.npz", members);
  Settings settings;
  settings.input = text("deep/left");
  OpenReader left("npz", path.string(), settings.args());
  CHECK(read(left, 1) == std::vector<std::int32_t>{21});
  settings.array = text("right");
  OpenReader right("npz", path.string(), settings.args());
  CHECK(read(right, 0) == std::vector<std::int32_t>{10});
  settings.array = text("rihgt");
  expect_refused("npz", path.string(), HT_INVALID_ARGUMENT, {"no array 'rihgt'", "right, deep/left"}, settings.args());
  settings = {};
  settings.input = text("x");
  expect_refused("npz", path.string(), HT_INVALID_ARGUMENT, {"2 arrays", "input 'x'", "array: NAME"}, settings.args());
}

TEST_CASE("compressed samples in any order, from several threads, and twice") {
  constexpr std::uint64_t kCount = 500;
  const TempFolder folder;
  const auto path = write_zip(folder / "x.npz", {{"a.npy", npy("(500, 7)", 3500)}});
  auto archive = std::make_shared<const ZipArchive>(path);
  MemberSamples samples(archive, archive->entries().front(), SampleAxis::kFirst);
  for (int pass = 0; pass < 2; ++pass) {
    std::atomic<std::uint64_t> next{0}, wrong{0};
    const auto work = [&] {
      for (std::uint64_t index = next++; index < kCount; index = next++) {
        std::vector<std::int32_t> data(7);
        samples.read(index, std::as_writable_bytes(std::span(data)));
        if (data.front() != static_cast<std::int32_t>(7 * index) || data.back() != data.front() + 6) ++wrong;
      }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work);
    for (std::thread &thread : threads) thread.join();
    CHECK(wrong == 0);
  }
  // Jumps further than samples are kept.
  for (const std::uint64_t index : {499, 0, 250, 249, 100, 498}) {
    std::vector<std::int32_t> data(7);
    samples.read(index, std::as_writable_bytes(std::span(data)));
    CHECK(data.front() == static_cast<std::int32_t>(7 * index));
  }
}

TEST_CASE("a folder of archives: x.npz, one sample each, or one batch each") {
  const TempFolder folder;
  write_zip(folder / "b.npz", {{"a.npy", npy("(2, 2)", 4, 10)}});
  write_zip(folder / "a.npz", {{"a.npy", npy("(1, 2)", 2)}});
  {
    OpenReader reader("npz", folder.path().string(), Settings().args());
    CHECK(reader.count() == 2);
    CHECK(read(reader, 1) == std::vector<std::int32_t>{10, 11, 12, 13});
    CHECK(reader.name(1) == "b.npz");
  }
  Settings batches;
  batches.batches = 1;
  OpenReader reader("npz", folder.path().string(), batches.args());
  CHECK(reader.count() == 3);
  CHECK(read(reader, 2) == std::vector<std::int32_t>{12, 13});
  CHECK(read(reader, 0) == std::vector<std::int32_t>{0, 1});
  CHECK(reader.name(2) == "b.npz[1]");
  write_zip(folder / "x.npz", {{"a.npy", npy("(5, 1)", 5)}});
  OpenReader whole("npz", folder.path().string(), Settings().args());
  CHECK(whole.count() == 5);
}

TEST_CASE("archives that cannot be used say why") {
  const TempFolder folder;
  const auto refused = [&](const std::string &content, ht_status status,
                           std::initializer_list<std::string_view> words) {
    expect_refused("npz", folder.write("bad.npz", content).string(), status, words, Settings().args());
  };
  const std::string whole = bytes_of(write_zip(folder / "good.npz", {{"a.npy", npy("(50, 2)", 100), kStored}}));
  const std::string packed = bytes_of(write_zip(folder / "good.npz", {{"a.npy", npy("(50, 2)", 100)}}));
  const auto flipped = [](std::string content, std::size_t at) {
    content[at] = static_cast<char>(content[at] ^ 0x10);
    return content;
  };
  refused(flipped(whole, 300), HT_DATA_LOSS, {"'a.npy' in '", "bad.npz' is damaged", "checksum"});
  refused(flipped(packed, packed.size() / 2), HT_DATA_LOSS, {"'a.npy' in '", "damaged"});
  // The flags and the method of the member, in the archive's directory and before its data (APPNOTE 4.3.7, 4.3.12).
  const auto changed = [&](std::size_t field, char value) {
    std::string content = packed;
    content[content.find("PK\x03\x04") + 6 + field] = value;
    content[content.find("PK\x01\x02") + 8 + field] = value;
    return content;
  };
  refused(changed(0, 1), HT_DATA_LOSS, {"'a.npy' in '", "encrypted", "without a password"});
  refused(changed(2, 99), HT_DATA_LOSS, {"'a.npy' in '", "method that is not known", "numpy.savez"});
  refused(flipped(packed, packed.find("PK\x03\x04")), HT_DATA_LOSS, {"'a.npy' in '", "damaged", "contradicts"});
  refused(flipped(packed, packed.find("PK\x01\x02")), HT_DATA_LOSS, {"bad.npz': member 0 has a damaged entry"});
  refused(whole.substr(0, whole.size() - 30), HT_DATA_LOSS, {"bad.npz' is no zip archive", "cut off"});
  refused("", HT_DATA_LOSS, {"no zip archive"});
  refused("plain text", HT_DATA_LOSS, {"no zip archive"});
  const auto refused_members = [&](const std::vector<Entry> &entries, ht_status status,
                                   std::initializer_list<std::string_view> words) {
    expect_refused("npz", write_zip(folder / "bad.npz", entries).string(), status, words, Settings().args());
  };
  refused_members({{"notes.txt", "x"}}, HT_DATA_LOSS, {"holds no array"});
  refused_members({{"a.npy", "no array at all"}}, HT_DATA_LOSS, {"'a.npy' in '", "not a .npy file"});
  refused_members({{"a.npy", npy("()", 1)}}, HT_INVALID_ARGUMENT, {"'a.npy' in '", "single number"});
  refused_members({{"a.npy", npy("(3, 2)", 5)}}, HT_DATA_LOSS, {"'a.npy' in '", "truncated", "24 bytes"});
  expect_refused("npz", (folder / "absent.npz").string(), HT_NOT_FOUND, {"absent.npz"}, Settings().args());
}
