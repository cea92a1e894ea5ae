#include <cerrno>
#include <filesystem>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "core/base/file_lock.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/base/temp_folder.h"

namespace {
int flock_error = 0;  // what locking fails with, as on a file system without locks; 0: as the system does
}

// In place of the C library's, which the library under test would call.
extern "C" int flock(int fd, int operation) noexcept {
  if (flock_error == 0) return static_cast<int>(::syscall(SYS_flock, fd, operation));
  errno = flock_error;
  return -1;
}

namespace halftone {
using test::expect_error;
using test::TempFolder;
namespace fs = std::filesystem;

TEST_CASE("a lock is held by one at a time, and leaves nothing") {
  const TempFolder folder;
  {
    const FileLock lock(folder / "out");
    CHECK(fs::exists(folder / "out.lock"));
    expect_error(Status::kFailedPrecondition, {"another process is writing", "out.lock"},
                 [&] { const FileLock other(folder / "out"); });
    CHECK(fs::exists(folder / "out.lock"));
  }
  CHECK(folder.entries() == 0);
  folder.write("out.lock", "");  // left by a process that was killed
  { const FileLock lock(folder / "out"); }
  CHECK(folder.entries() == 0);
}

TEST_CASE("a link and the file that it leads to have one lock") {
  const TempFolder folder;
  fs::create_directory(folder / "far");
  folder.write("far/real", "content");
  fs::create_symlink("far/real", folder / "link");
  fs::create_symlink("link", folder / "link of a link");
  const FileLock lock(folder / "link of a link");
  CHECK(fs::exists(folder / "far/real.lock"));
  for (const char *name : {"far/real", "link"})
    expect_error(Status::kFailedPrecondition, {"another process is writing", name, "far/real.lock"},
                 [&] { const FileLock other(folder / name); });
  CHECK(folder.entries() == 3);
}

TEST_CASE("a device has no lock, by whatever link") {
  const TempFolder folder;
  fs::create_symlink("/dev/null", folder / "out");
  const FileLock first(folder / "out");
  CHECK_NOTHROW(FileLock(folder / "out"));
  CHECK(folder.entries() == 1);
  CHECK_FALSE(fs::exists("/dev/null.lock"));
}

TEST_CASE("a lock file of another user that may only be read is a lock all the same") {
  const TempFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  folder.write("out.lock", "");
  fs::permissions(folder / "out.lock", fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  const uid_t self = ::geteuid();
  if (self == 0) REQUIRE(::seteuid(65534) == 0);  // root may write everything
  {
    const FileLock lock(folder / "out");
    CHECK_THROWS_AS(FileLock(folder / "out"), Error);
  }
  if (self == 0) REQUIRE(::seteuid(self) == 0);
  CHECK(folder.entries() == 0);
}

TEST_CASE("where there are no locks nothing is held, and nothing stays") {
  const TempFolder folder;
  for (const int error : {ENOLCK, EOPNOTSUPP, EINVAL}) {
    flock_error = error;
    {
      const FileLock first(folder / "out");
      const FileLock second(folder / "out");
      CHECK(folder.entries() == 0);
    }
    folder.write("out.lock", "");
    { const FileLock lock(folder / "out"); }
    CHECK(folder.entries() == 1);  // somebody else's stays
    fs::remove(folder / "out.lock");
  }
  flock_error = 0;
}

}  // namespace halftone
