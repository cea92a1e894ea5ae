#include <filesystem>

#include <doctest/doctest.h>
#include <unistd.h>

#include "core/base/file.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/base/temp_folder.h"

namespace halftone {
using test::expect_error;
using test::TempFolder;

TEST_CASE("an atomic file appears at commit and leaves nothing else") {
  const TempFolder folder;
  AtomicFile file(folder / "out");
  file.write("one ");
  file.write("two");
  CHECK_FALSE(std::filesystem::exists(folder / "out"));
  file.commit();
  CHECK(read_file(folder / "out") == "one two");
  CHECK(folder.entries() == 1);
  expect_error(Status::kFailedPrecondition, {"committed"}, [&] { file.write("x"); });
  expect_error(Status::kFailedPrecondition, {"committed twice"}, [&] { file.commit(); });
}

TEST_CASE("what was written can be replaced until commit") {
  const TempFolder folder;
  AtomicFile file(folder / "out");
  file.write("???? samples");
  file.overwrite(0, "0012");
  file.write(" and more");
  file.commit();
  CHECK(read_file(folder / "out") == "0012 samples and more");
  expect_error(Status::kFailedPrecondition, {"committed"}, [&] { file.overwrite(0, "x"); });
}

TEST_CASE("a finished file is complete and waits for commit") {
  const TempFolder folder;
  folder.write("out", "before");
  AtomicFile file(folder / "out");
  file.write("after");
  file.finish();
  CHECK(read_file(folder / "out") == "before");
  expect_error(Status::kFailedPrecondition, {"committed"}, [&] { file.write("x"); });
  file.commit();
  CHECK(read_file(folder / "out") == "after");
  expect_error(Status::kFailedPrecondition, {"committed twice"}, [&] { file.commit(); });
}

TEST_CASE("without commit the target stays as it was") {
  const TempFolder folder;
  folder.write("out", "before");
  {
    AtomicFile file(folder / "out");
    file.write("after");
  }
  CHECK(read_file(folder / "out") == "before");
  CHECK(folder.entries() == 1);
  write_file_atomically(folder / "out", "after");
  CHECK(read_file(folder / "out") == "after");
}

TEST_CASE("a link stays a link, a long name is no problem, a bare name means the present folder") {
  const TempFolder folder;
  folder.write("real", "before");
  std::filesystem::create_symlink("real", folder / "link");
  write_file_atomically(folder / "link", "after");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "real") == "after");
  write_file_atomically(folder / std::string(255, 'n'), "long");
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_file_atomically("bare", "bare");
  std::filesystem::current_path(here);
  CHECK(read_file(folder / "bare") == "bare");
}

TEST_CASE("what cannot be written is named with the reason") {
  const TempFolder folder;
  expect_error(Status::kNotFound, {"missing/out", "there is no folder"}, [&] { AtomicFile(folder / "missing/out"); });
  expect_error(Status::kInvalidArgument, {"it is a folder"}, [&] { AtomicFile(folder.path()); });
  expect_error(Status::kInvalidArgument, {"names no file"}, [&] { AtomicFile(folder / ""); });
  if (::geteuid() == 0) {
    MESSAGE("skipped: the administrator may write into every folder");
    return;
  }
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  expect_error(Status::kPermissionDenied, {(folder / "out").string(), "check the permissions of folder"},
               [&] { AtomicFile(folder / "out"); });
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}

TEST_CASE("a full disk is told as such, and a device is never replaced") {
  if (!std::filesystem::exists("/dev/full")) return;
  expect_error(Status::kResourceExhausted, {"/dev/full", "no space left"},
               [] { write_file_atomically("/dev/full", "x"); });
  write_file_atomically("/dev/null", "x");
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

}  // namespace halftone
