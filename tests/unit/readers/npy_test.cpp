#include <cstring>
#include <filesystem>

#include "reader_host.h"
#include "tests/unit/base/temp_folder.h"

using halftone::test::expect_refused;
using halftone::test::OpenReader;
using halftone::test::shape_of;
using halftone::test::TempFolder;
using halftone::test::values_of;

namespace {

// A .npy file by the book: magic, version, length, padded dictionary, data.
template <typename T>
std::string npy(const std::string &dictionary, const std::vector<T> &data, char version = 1) {
  std::string header = dictionary + "\n";
  std::string file = "\x93NUMPY";
  file += version;
  file += '\0';
  file += static_cast<char>(header.size() & 0xFFU);
  file += static_cast<char>(header.size() >> 8U);
  if (version > 1) file += std::string(2, '\0');
  file += header;
  file.append(reinterpret_cast<const char *>(data.data()), data.size() * sizeof(T));
  return file;
}
std::string dict(const char *descr, const char *shape, const char *order = "False") {
  return std::string("{'descr': '") + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}

}  // namespace

TEST_CASE("axis 0 of a file counts its samples") {
  const TempFolder folder;
  const auto path = folder.write("x.npy", npy<float>(dict("<f4", "(3, 2)"), {1, 2, 3, 4, 5, 6}));
  OpenReader reader("npy", path.string());
  REQUIRE(reader.status() == HT_OK);
  CHECK(reader.count() == 3);
  ht_tensor_view sample{};
  REQUIRE(reader.read(1, sample) == HT_OK);
  CHECK(sample.dtype == HT_F32);
  CHECK(shape_of(sample) == std::vector<std::int64_t>{2});
  CHECK(values_of<float>(sample) == std::vector<float>{3, 4});
  CHECK(reader.name(2) == "x.npy[2]");
  CHECK(reader.read(3, sample) == HT_INVALID_ARGUMENT);
}

TEST_CASE("versions 2 and 3, other types and spellings") {
  const TempFolder folder;
  folder.write("a.npy", npy<std::uint8_t>(dict("|u1", "(2,)"), {7, 9}, 2));
  folder.write("b.npy", npy<std::int64_t>("{\"shape\":(1,2),'fortran_order':False,\"descr\":'<i8'}", {-1, 5}, 3));
  OpenReader bytes("npy", (folder / "a.npy").string());
  ht_tensor_view sample{};
  REQUIRE(bytes.read(1, sample) == HT_OK);
  CHECK(sample.rank == 0);
  CHECK(*static_cast<std::uint8_t *>(sample.data) == 9);
  OpenReader longs("npy", (folder / "b.npy").string());
  REQUIRE(longs.read(0, sample) == HT_OK);
  CHECK(values_of<std::int64_t>(sample) == std::vector<std::int64_t>{-1, 5});
}

TEST_CASE("a folder: x.npy, or one sample a file") {
  const TempFolder folder;
  folder.write("b.npy", npy<std::uint8_t>(dict("|u1", "(2,)"), {3, 4}));
  folder.write("a.npy", npy<std::uint8_t>(dict("|u1", "(2,)"), {1, 2}));
  folder.write("notes.txt", "no sample");
  {
    OpenReader reader("npy", folder.path().string());
    CHECK(reader.count() == 2);
    ht_tensor_view sample{};
    REQUIRE(reader.read(0, sample) == HT_OK);
    CHECK(values_of<std::uint8_t>(sample) == std::vector<std::uint8_t>{1, 2});
    CHECK(reader.name(1) == "b.npy");
  }
  folder.write("x.npy", npy<std::uint8_t>(dict("|u1", "(5, 1)"), {1, 2, 3, 4, 5}));
  OpenReader whole("npy", folder.path().string());
  CHECK(whole.count() == 5);
}

TEST_CASE("files that cannot be used say why") {
  const TempFolder folder;
  const auto refused = [&](const std::string &content, ht_status status,
                           std::initializer_list<std::string_view> words) {
    expect_refused("npy", folder.write("bad.npy", content).string(), status, words);
  };
  const std::vector<float> four = {1, 2, 3, 4};
  refused(npy(dict("<f4", "(2, 2)", "True"), four), HT_INVALID_ARGUMENT, {"Fortran order", "ascontiguousarray"});
  refused(npy(dict(">f4", "(2, 2)"), four), HT_INVALID_ARGUMENT, {"big-endian", "astype('<f4')"});
  refused(npy(dict("|O", "(2, 2)"), four), HT_INVALID_ARGUMENT, {"pickled"});
  refused(npy(dict("<U4", "(1,)"), four), HT_INVALID_ARGUMENT, {"'<U4'"});
  refused(npy<float>("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,)}", four), HT_INVALID_ARGUMENT,
          {"structures"});
  refused(npy(dict("<f4", "()"), four), HT_INVALID_ARGUMENT, {"single number"});
  refused(npy(dict("<f4", "(5, 1)"), four), HT_DATA_LOSS, {"truncated", "20 bytes", "has 16"});
  refused(npy(dict("<f4", "(4611686018427387904, 4)"), four), HT_DATA_LOSS, {"too large"});
  refused(npy(dict("<f4", "(99999999999999999999999,)"), four), HT_DATA_LOSS, {"too large"});
  refused(npy(dict("<f4", "(-1, 4)"), four), HT_DATA_LOSS, {"tuple of numbers"});
  refused(npy<float>("{'descr': '<f4', 'fortran_order': False}", four), HT_DATA_LOSS, {"is missing"});
  refused(npy<float>("{'descr': '<f4', 'descr': '<f4'}", four), HT_DATA_LOSS, {"written twice"});
  refused(npy<float>("{'descr: '<f4'", four), HT_DATA_LOSS, {"broken .npy header"});
  refused("\x93NUMPY\x09", HT_DATA_LOSS, {"too short"});
  refused(npy(dict("<f4", "(1,)"), four, 9), HT_INVALID_ARGUMENT, {"version 9"});
  refused(std::string("PK\x03\x04 this is a zip"), HT_DATA_LOSS, {"not a .npy file"});
  refused(npy(dict("<f4", "(2, 2)"), four).substr(0, 30), HT_DATA_LOSS, {"inside its header"});
  refused("", HT_DATA_LOSS, {"too short"});
  expect_refused("npy", (folder / "absent.npy").string(), HT_NOT_FOUND, {"absent.npy"});
  const TempFolder empty;
  expect_refused("npy", empty.path().string(), HT_NOT_FOUND, {"ends with .npy"});
}

TEST_CASE("a file that shrinks while it is open is data loss, not a crash") {
  const TempFolder folder;
  const std::string content = npy<float>(dict("<f4", "(2, 2)"), {1, 2, 3, 4});
  const auto path = folder.write("x.npy", content);
  OpenReader reader("npy", path.string());
  REQUIRE(reader.status() == HT_OK);
  std::filesystem::resize_file(path, content.size() - 4);
  ht_tensor_view sample{};
  CHECK(reader.read(0, sample) == HT_OK);
  CHECK(reader.read(1, sample) == HT_DATA_LOSS);
  CHECK(reader.text().find("x.npy") != std::string::npos);
}
