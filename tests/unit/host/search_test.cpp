#include "core/host/search.h"

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/unit/host/sample_plugin.h"

namespace fs = std::filesystem;
using namespace halftone;
using namespace halftone::host;

namespace {

struct Folders {
  Folders() {
    fs::remove_all(root);
    fs::create_directories(root);
    ::setenv("HOME", (root / "home").c_str(), 1);
    ::unsetenv("XDG_DATA_HOME");
    ::unsetenv("HALFTONE_PLUGIN_PATH");
  }
  ~Folders() { fs::remove_all(root); }
  fs::path file(const std::string &name) const {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << "x";
    return root / name;
  }
  fs::path root = fs::path(::getenv("HALFTONE_BUILD_DIR")) / "tests" / "search-test";
};

// Names of what was found below the test's folder, in order.
std::vector<std::string> names(const std::vector<Candidate> &candidates, const fs::path &root) {
  std::vector<std::string> out;
  for (const Candidate &candidate : candidates) {
    const std::string name = fs::relative(candidate.file, root).string();
    if (!name.starts_with("..")) out.push_back(name);
  }
  return out;
}

}  // namespace

TEST_CASE("order of the search, and what counts as a plug-in") {
  const Folders folders;
  for (const char *name : {"named/b.so", "named/a.so", "named/readme.txt", "named/sub/deep.so", "named/x.platform.yaml",
                           "env1/c.so", "env2/d.so", "home/.local/share/halftone/plugins/u.so"}) {
    folders.file(name);
  }
  fs::create_symlink(folders.root / "named/a.so", folders.root / "env1/again.so");
  ::setenv("HALFTONE_PLUGIN_PATH",
           fmt::format(":{}::{}:", (folders.root / "env1").string(), (folders.root / "env2").string()).c_str(), 1);
  SearchOptions options;
  options.plugin_paths = {folders.root / "named"};
  const SearchResult found = find_plugins(options);
  CHECK(names(found.libraries, folders.root) == std::vector<std::string>{"named/a.so", "named/b.so", "env1/c.so",
                                                                         "env2/d.so",
                                                                         "home/.local/share/halftone/plugins/u.so"});
  CHECK(names(found.descriptors, folders.root) == std::vector<std::string>{"named/x.platform.yaml"});
  CHECK(found.libraries[0].required);
  CHECK_FALSE(found.libraries[2].required);
  CHECK_FALSE(found.libraries[0].first_party);
  CHECK(found.searched.back() == first_party_folder());

  options.use_environment = false;
  CHECK(names(find_plugins(options).libraries, folders.root) == std::vector<std::string>{"named/a.so", "named/b.so"});
}

TEST_CASE("XDG_DATA_HOME replaces the user's folder, unless it is relative") {
  const Folders folders;
  folders.file("data/halftone/plugins/v.so");
  ::setenv("XDG_DATA_HOME", (folders.root / "data").c_str(), 1);
  CHECK(names(find_plugins({}).libraries, folders.root) == std::vector<std::string>{"data/halftone/plugins/v.so"});
  ::setenv("XDG_DATA_HOME", "relative", 1);
  CHECK(user_folder("XDG_DATA_HOME", ".local/share") == folders.root / "home/.local/share/halftone");
  ::unsetenv("XDG_DATA_HOME");
}

TEST_CASE("what is named must exist") {
  const Folders folders;
  SearchOptions options;
  options.plugin_paths = {folders.root / "nowhere"};
  CHECK_EQ(SamplePlugin::error_of([&] { find_plugins(options); }),
           fmt::format("plug-in path '{}' does not exist; check --plugin-path", (folders.root / "nowhere").string()));
}

TEST_CASE("platform descriptors are known by their file names") {
  const Folders folders;
  folders.file("first/chip-int8.platform.yaml");
  folders.file("second/chip-int8.platform.yaml");
  folders.file("second/Bad Name.platform.yaml");
  ::setenv("HALFTONE_PLUGIN_PATH",
           fmt::format("{}:{}", (folders.root / "first").string(), (folders.root / "second").string()).c_str(), 1);
  const Registry registry = load_plugins({});
  REQUIRE(registry.descriptors.contains("chip-int8"));
  CHECK(registry.descriptors.find("chip-int8")->second == folders.root / "first/chip-int8.platform.yaml");
  const auto refused = [&](const char *name) {
    const auto found = std::find_if(registry.refused.begin(), registry.refused.end(),
                                    [&](const auto &item) { return item.first == folders.root / name; });
    return found == registry.refused.end() ? std::string() : found->second;
  };
  CHECK_EQ(refused("second/chip-int8.platform.yaml"),
           fmt::format("platform descriptor '{}': platform 'chip-int8' is already described by '{}'; remove one of the "
                       "two",
                       (folders.root / "second/chip-int8.platform.yaml").string(),
                       (folders.root / "first/chip-int8.platform.yaml").string()));
  CHECK(refused("second/Bad Name.platform.yaml").find("rename the file") != std::string::npos);
}
