#include "core/host/search.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <system_error>

#include "core/base/error.h"

namespace halftone::host {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDescriptorEnd = ".platform.yaml";

bool is_descriptor(const fs::path &file) {
  const std::string name = file.filename().string();
  return name.size() > kDescriptorEnd.size() && name.ends_with(kDescriptorEnd);
}

// Collects candidates in the order of the search; a file that is reachable by two names counts once.
class Search {
 public:
  void add_named(const fs::path &path) {
    std::error_code error;
    const fs::path full = absolute(path);
    const fs::file_status status = fs::status(full, error);
    if (fs::is_directory(status)) {
      add_folder(full, true);
    } else if (fs::exists(status)) {
      add_file(full, true, false);
    } else {
      fail(Status::kNotFound, "plug-in path '{}' does not exist; check --plugin-path", full.string());
    }
  }

  // `path` comes from the environment or is a default: `expected` says whether its absence is worth a word.
  void add_optional(const fs::path &path, bool expected) {
    std::error_code error;
    const fs::path full = absolute(path);
    if (fs::is_directory(full, error)) {
      add_folder(full, false);
      return;
    }
    result.searched.push_back(full);
    if (expected) result.refused.emplace_back(full, fmt::format("plug-in folder '{}' does not exist", full.string()));
  }

  void add_folder(const fs::path &folder, bool required) {
    result.searched.push_back(folder);
    std::error_code error;
    std::vector<fs::path> files;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const fs::path &file = entry->path();
      if (file.extension() == ".so" || is_descriptor(file)) files.push_back(file);
    }
    if (error) {
      const std::string reason =
          fmt::format("plug-in folder '{}' cannot be read: {}", folder.string(), error.message());
      if (required) fail(Status::kPermissionDenied, "{}; check its permissions", reason);
      result.refused.emplace_back(folder, reason);
    }
    std::sort(files.begin(), files.end());  // the same order on every file system
    std::error_code ignored;
    const bool first_party = fs::equivalent(folder, first_party_folder(), ignored);
    for (const fs::path &file : files) add_file(file, required, first_party);
  }

  SearchResult result;

 private:
  static fs::path absolute(const fs::path &path) { return fs::absolute(path).lexically_normal(); }

  void add_file(const fs::path &file, bool required, bool first_party) {
    std::error_code error;
    const fs::path real = fs::canonical(file, error);
    if (!seen_.insert(error ? file : real).second) return;
    if (!first_party && !error) first_party = real.parent_path() == first_party_folder();
    (is_descriptor(file) ? result.descriptors : result.libraries).push_back({file, required, first_party});
  }

  std::set<fs::path> seen_;
};

void add_environment(Search &search) {
  const char *variable = ::secure_getenv("HALFTONE_PLUGIN_PATH");
  std::string_view rest = variable == nullptr ? "" : variable;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    if (colon > 0) search.add_optional(fs::path(rest.substr(0, colon)), true);
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  const fs::path own = user_folder("XDG_DATA_HOME", ".local/share");
  if (!own.empty()) search.add_optional(own / "plugins", false);
}

// An address inside this library, for dladdr.
void anchor() {}

}  // namespace

const fs::path &library_folder() {
  static const fs::path folder = [] {
    Dl_info info{};
    if (::dladdr(reinterpret_cast<const void *>(&anchor), &info) == 0 || info.dli_fname == nullptr) return fs::path();
    std::error_code error;
    const fs::path file = fs::canonical(info.dli_fname, error);
    return error ? fs::path() : file.parent_path();
  }();
  return folder;
}

fs::path first_party_folder() {
  const fs::path folder = library_folder() / "halftone" / "plugins";
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  return error ? folder : real;
}

fs::path user_folder(const char *variable, const char *fallback) {
  const char *value = ::secure_getenv(variable);
  // The XDG rules say that a relative path is to be ignored.
  if (value != nullptr && value[0] == '/') return fs::path(value) / "halftone";
  const char *home = ::secure_getenv("HOME");
  return home != nullptr && home[0] == '/' ? fs::path(home) / fallback / "halftone" : fs::path();
}

SearchResult find_plugins(const SearchOptions &options) {
  Search search;
  for (const fs::path &path : options.plugin_paths) search.add_named(path);
  if (options.use_environment) add_environment(search);
  search.add_optional(first_party_folder(), false);
  return std::move(search.result);
}

}  // namespace halftone::host
