#include <filesystem>

#include <doctest/doctest.h>

#include "core/base/file.h"
#include "core/base/staged_file.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/base/temp_folder.h"

namespace halftone {
using test::expect_error;
using test::TempFolder;

TEST_CASE("a staged file and what comes with it appear at commit and leave nothing else") {
  const TempFolder folder;
  folder.write("out.onnx", "before");
  StagedFile file(folder / "out.onnx");
  CHECK(file.path().filename() == "out.onnx");
  write_file_atomically(file.path(), "after");
  write_file_atomically(file.path().parent_path() / "out.onnx.data", "weights");
  CHECK(file.size() == 5 + 7);
  file.finish();
  CHECK(read_file(folder / "out.onnx") == "before");
  file.commit();
  CHECK(read_file(folder / "out.onnx") == "after");
  CHECK(read_file(folder / "out.onnx.data") == "weights");
}

TEST_CASE("without commit a staged file leaves nothing") {
  const TempFolder folder;
  folder.write("out", "before");
  {
    StagedFile file(folder / "out");
    write_file_atomically(file.path(), "after");
    file.finish();
  }
  CHECK(read_file(folder / "out") == "before");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a link to the target of a staged file stays a link") {
  const TempFolder folder;
  folder.write("real", "before");
  std::filesystem::create_symlink("real", folder / "link");
  {
    StagedFile file(folder / "link");
    write_file_atomically(file.path(), "after");
    file.commit();
  }
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "real") == "after");
  CHECK(folder.entries() == 2);
}

TEST_CASE("messages of a writer name the target, and what cannot take its place is told before commit") {
  const TempFolder folder;
  StagedFile file(folder / "out");
  CHECK(file.told("cannot write " + file.path().string() + ".data") ==
        "cannot write " + (folder / "out").string() + ".data");
  expect_error(Status::kInternal, {(folder / "out").string(), "was not written"}, [&] { file.finish(); });
  write_file_atomically(file.path(), "x");
  write_file_atomically(file.path().parent_path() / "taken", "x");
  std::filesystem::create_directory(folder / "taken");
  expect_error(Status::kFailedPrecondition, {"taken", "a folder"}, [&] { file.finish(); });
  expect_error(Status::kNotFound, {"there is no folder"}, [&] { StagedFile(folder / "none/out"); });
  expect_error(Status::kInvalidArgument, {"a folder"}, [&] { StagedFile(folder.path()); });
}

TEST_CASE("a device is written when a staged file is finished") {
  if (!std::filesystem::exists("/dev/full")) return;
  StagedFile full("/dev/full"), null("/dev/null");
  for (const StagedFile *file : {&full, &null}) write_file_atomically(file->path(), "x");
  expect_error(Status::kResourceExhausted, {"/dev/full", "no space left"}, [&] { full.finish(); });
  null.commit();
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

}  // namespace halftone
