#include <filesystem>

#include "core/base/file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/base/temp_folder.h"

namespace halftone {
using test::expect_error;
using test::TempFolder;

TEST_CASE("read_file gives the whole content, zero bytes included") {
  const TempFolder folder;
  const std::string content("a\0b\n", 4);
  CHECK(read_file(folder.write("f", content)) == content);
  CHECK(read_file(folder.write("empty", "")).empty());
  const std::string large(100000, 'x');
  CHECK(read_file(folder.write("large", large)) == large);
}

TEST_CASE("read_file reads files that do not tell their size") {
  CHECK_FALSE(read_file("/proc/self/status").empty());
}

TEST_CASE("what cannot be read is named") {
  const TempFolder folder;
  expect_error(Status::kNotFound, {"nothing.onnx", "does not exist"}, [&] { read_file(folder / "nothing.onnx"); });
  expect_error(Status::kNotFound, {"below"}, [&] { MappedFile::open(folder.write("file", "x") / "below"); });
  expect_error(Status::kInvalidArgument, {folder.path().string(), "a folder"}, [&] { read_file(folder.path()); });
  expect_error(Status::kInvalidArgument, {"a folder"}, [&] { MappedFile::open(folder.path()); });
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  expect_error(Status::kInvalidArgument, {"device or pipe"}, [&] { read_file(folder / "pipe"); });
}

TEST_CASE("a map shows the file and outlives its name") {
  const TempFolder folder;
  const auto map = MappedFile::open(folder.write("f", "hello"));
  std::filesystem::remove(folder / "f");
  REQUIRE(map->bytes().size() == 5);
  CHECK(static_cast<char>(map->bytes()[4]) == 'o');
  CHECK(MappedFile::open(folder.write("empty", ""))->bytes().empty());
}

}  // namespace halftone
