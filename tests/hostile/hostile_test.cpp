// Every way in which a plug-in can be unfit has its words, and none of them keeps the good plug-ins from loading.
#include <doctest/doctest.h>
#include <fmt/core.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/host/context.h"
#include "core/host/instance.h"
#include "core/host/probe.h"
#include "core/host/registry.h"

namespace fs = std::filesystem;
using namespace halftone;
using namespace halftone::host;

namespace {

fs::path fixture(const std::string &name) {
  return fs::path(::getenv("HALFTONE_BUILD_DIR")) / "tests" / "hostile" / (name + ".so");
}

// An empty home: no cache from earlier runs, no plug-ins of the user who runs the tests.
struct Home {
  Home() {
    fs::remove_all(path);
    fs::create_directories(path);
    ::setenv("HOME", path.c_str(), 1);
    ::unsetenv("XDG_CACHE_HOME");
    ::unsetenv("XDG_DATA_HOME");
    ::unsetenv("HALFTONE_PLUGIN_PATH");
    ::setenv("HALFTONE_PROBE_TIMEOUT_MS", "1500", 1);
  }
  ~Home() { fs::remove_all(path); }
  fs::path folder(const std::string &name) const {
    fs::create_directories(path / name);
    return path / name;
  }
  fs::path path = fs::path(::getenv("HALFTONE_BUILD_DIR")) / "tests" / "hostile-home";
};

Registry load(const fs::path &file) {
  SearchOptions options;
  options.plugin_paths = {file};
  return load_plugins(options);
}

// What loading a file is refused with, "" when it is not.
std::string refusal(const fs::path &file) {
  try {
    load(file);
    return {};
  } catch (const Error &error) {
    return error.what();
  }
}

const std::string kRemedy =
    "; ask its author for a repaired build; it is tried again when the file changes or --plugin-path names it";
const std::string kRebuild = "; rebuild the plug-in with this host's SDK";

std::string expected(const fs::path &file, const std::string &text) {
  return fmt::format("plug-in '{}': {}", file.string(), text);
}

void check_refusal(const std::string &name, const std::string &text) {
  CAPTURE(name);
  CHECK_EQ(refusal(fixture(name)), expected(fixture(name), text));
}

void write(const fs::path &file, const std::string &content) {
  std::ofstream(file, std::ios::binary) << content;
}

}  // namespace

TEST_CASE("a good plug-in loads") {
  const Home home;
  const Registry registry = load(fixture("good"));
  CHECK(registry.find(HT_KIND_PASS, "good") != nullptr);
  CHECK(registry.get(HT_KIND_PASS, "good").plugin->file == fixture("good"));
}

TEST_CASE("a plug-in of a later minor loads when it is content with this one") {
  const Home home;
  CHECK(load(fixture("newer_minor")).find(HT_KIND_PASS, "newer-minor") != nullptr);
}

TEST_CASE("misbehaviour while loading ends with the child process") {
  const Home home;
  check_refusal("crashes", "crashed (SIGSEGV) while it was loaded" + kRemedy);
  check_refusal("aborts", "crashed (SIGABRT) while it was loaded" + kRemedy);
  check_refusal("exits", "ended the process with exit code 0 while it was loaded" + kRemedy);
  check_refusal("hangs", "did not finish loading within 1500 ms" + kRemedy);
  check_refusal("crashes_in_init", "crashed (SIGSEGV) while it was loaded" + kRemedy);
}

TEST_CASE("versions that do not fit") {
  const Home home;
  const std::string here = fmt::format("this host has {}.{}", HT_ABI_MAJOR, HT_ABI_MINOR);
  check_refusal("wrong_major", "built for plug-in ABI 7.2, " + here + " and the major versions differ" + kRebuild);
  check_refusal(
      "needs_newer_host",
      fmt::format("needs a host with plug-in ABI {}.99 or newer, {}; install a newer Halftone", HT_ABI_MAJOR, here));
}

TEST_CASE("lies and gaps in the descriptor") {
  const Home home;
  check_refusal("null_strings",
                "pass 'null-strings': title is null; the plug-in's author must set every text of the descriptor");
  check_refusal(
      "bad_default",
      "pass 'bad-default': parameter 'bits': its default 9 lies above its upper bound 8; the plug-in's author "
      "must correct it");
  check_refusal("missing_slot",
                "pass 'missing-slot': role 'ht.pass/1': slot 'run' is null; the plug-in's author must fill it");
  check_refusal("unknown_service",
                "pass 'unknown-service': needs service 'ht.telepathy/1', which this host does not have; install a "
                "Halftone that has it");
  check_refusal("undeclared_capability",
                "pass 'undeclared-capability': needs service 'ht.graph_edit/1' and does not declare the capability for "
                "it; the plug-in's author must declare it");
  check_refusal("duplicate_inside",
                "offers two components of kind pass named 'twin'; the plug-in's author must rename one");
  check_refusal(
      "wrong_size",
      "component 1: its description has 16 bytes and needs at least 168; rebuild the plug-in with this host's "
      "SDK");
  check_refusal("missing_symbol",
                "it exports no ht_plugin_entry, so it is no Halftone plug-in; build it with halftone_add_plugin()");
}

TEST_CASE("two plug-ins with one component name each other") {
  const Home home;
  SearchOptions options;
  options.plugin_paths = {fixture("good"), fixture("duplicate_of_good")};
  std::string text;
  try {
    load_plugins(options);
  } catch (const Error &error) {
    text = error.what();
  }
  CHECK_EQ(text, expected(fixture("duplicate_of_good"),
                          fmt::format("pass 'good' is already offered by plug-in '{}'; remove one of the two",
                                      fixture("good").string())));
}

TEST_CASE("files that are no library of this machine") {
  const Home home;
  const fs::path folder = home.folder("files");
  const std::string good = read_file(fixture("good"));

  const fs::path foreign = folder / "foreign.so";
  std::string patched = good;
  patched[18] = static_cast<char>(183);  // e_machine: EM_AARCH64
  patched[19] = 0;
  write(foreign, patched);
#if defined(__x86_64__)
  CHECK_EQ(refusal(foreign),
           expected(foreign, "built for aarch64, this machine is x86-64; get a build for this machine"));
#endif

  const fs::path narrow = folder / "narrow.so";
  patched = good;
  patched[4] = 1;  // EI_CLASS: 32 bits
  write(narrow, patched);
  CHECK_EQ(refusal(narrow), expected(narrow,
                                     "it is a 32-bit library and this program is 64-bit; get a build for this "
                                     "machine"));

  const fs::path cut = folder / "cut.so";
  write(cut, good.substr(0, 3000));
  CHECK_EQ(refusal(cut),
           expected(cut, fmt::format("it is truncated: 3000 bytes of {}; copy or build it again", good.size())));
  write(cut, good.substr(0, 20));
  CHECK_EQ(refusal(cut), expected(cut, "it is truncated: 20 bytes of 64; copy or build it again"));

  const fs::path text = folder / "text.so";
  write(text, "hello");
  CHECK_EQ(refusal(text), expected(text, "it is no shared library (no ELF header); name a plug-in's .so file"));
  write(text, "");
  CHECK_EQ(refusal(text), expected(text, "it is no shared library (no ELF header); name a plug-in's .so file"));

  CHECK_EQ(refusal(folder / "absent.so"),
           fmt::format("plug-in path '{}' does not exist; check --plugin-path", (folder / "absent.so").string()));
}

TEST_CASE("an exception out of create() is an error of that component") {
  const Home home;
  const Registry registry = load(fixture("throws_in_create"));
  Context ctx;
  try {
    const Instance instance(registry.get(HT_KIND_PASS, "throws-in-create"), nullptr, ctx);
    FAIL("created");
  } catch (const Error &error) {
    CHECK(error.status() == Status::kInternal);
    CHECK_EQ(std::string(error.what()),
             "component 'throws-in-create' let an exception cross the plug-in boundary: create went wrong\n"
             "  while pass 'throws-in-create' was created");
  }
  CHECK(ctx.component.empty());
}

TEST_CASE("a folder of the environment full of culprits: the good ones load, the others are remembered with reasons") {
  const Home home;
  const fs::path folder = home.folder("mixed");
  for (const char *name : {"aborts", "also_good", "crashes", "exits", "good", "hangs", "wrong_major"}) {
    fs::copy_file(fixture(name), folder / (std::string(name) + ".so"));
  }
  ::setenv("HALFTONE_PLUGIN_PATH", (folder.string() + ":" + (folder / "absent").string()).c_str(), 1);
  for (const bool cached : {false, true}) {
    CAPTURE(cached);
    const Registry registry = load_plugins({});
    CHECK(registry.find(HT_KIND_PASS, "good") != nullptr);
    CHECK(registry.find(HT_KIND_PASS, "also-good") != nullptr);
    REQUIRE(registry.refused.size() == 6);  // five files and the folder that does not exist
    CHECK_EQ(registry.refused[0].second,
             fmt::format("plug-in folder '{}' does not exist", (folder / "absent").string()));
    CHECK_EQ(registry.refused[1].second,
             expected(folder / "aborts.so", "crashed (SIGABRT) while it was loaded" + kRemedy));
    CHECK_EQ(registry.refused[4].second,
             expected(folder / "hangs.so", "did not finish loading within 1500 ms" + kRemedy));
  }
}
