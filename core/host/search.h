// Where plug-ins are looked for, and what lies there. Nothing is opened here.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/host/registry.h"

namespace halftone::host {

struct Candidate {
  std::filesystem::path file;  // absolute
  bool required = false;       // named by the user: a failure ends the search
  bool first_party = false;    // lies beside libhalftone
};

struct SearchResult {
  std::vector<Candidate> libraries;    // in the order to load, every file once
  std::vector<Candidate> descriptors;  // NAME.platform.yaml
  std::vector<std::filesystem::path> searched;
  std::vector<std::pair<std::filesystem::path, std::string>> refused;
};

// Throws only for what options.plugin_paths names.
SearchResult find_plugins(const SearchOptions &options);

// The folder of libhalftone itself, and the plug-ins' folder below it.
const std::filesystem::path &library_folder();
std::filesystem::path first_party_folder();

// A folder of the user: $variable/halftone, or ~/fallback/halftone. Empty when there is no home or when the program
// runs with more rights than its user, whose environment must not steer it then.
std::filesystem::path user_folder(const char *variable, const char *fallback);

}  // namespace halftone::host
