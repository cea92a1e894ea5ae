#include "core/host/elf.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "core/base/file.h"
#include "core/host/search.h"
#include "tests/unit/host/sample_plugin.h"

namespace fs = std::filesystem;
using namespace halftone;
using namespace halftone::host;

TEST_CASE("a library of this machine passes, and no cut or flipped byte crashes the check") {
  const fs::path library = library_folder() / "libhalftone.so";
  CHECK_EQ(SamplePlugin::error_of([&] { check_elf(library); }), "");

  const fs::path file = fs::path(::getenv("HALFTONE_BUILD_DIR")) / "tests" / "elf_test.so";
  const std::string good = read_file(library).substr(0, 1 << 16);
  for (std::size_t i = 0; i < 64; ++i) {  // the header is where every offset comes from
    std::string bad = good;
    bad[i] = static_cast<char>(~bad[i]);
    std::ofstream(file, std::ios::binary) << bad;
    CAPTURE(i);
    CHECK_NE(SamplePlugin::error_of([&] { check_elf(file); }), "");  // truncated, if nothing else
  }
  for (std::size_t size = 0; size <= 64; ++size) {
    std::ofstream(file, std::ios::binary) << good.substr(0, size);
    CHECK_NE(SamplePlugin::error_of([&] { check_elf(file); }), "");
  }
  fs::remove(file);
}

TEST_CASE("what is no file") {
  CHECK(SamplePlugin::error_of([] { check_elf("/"); }).starts_with("plug-in '/': '/' is a folder"));
}
