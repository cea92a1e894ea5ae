// The plug-ins of a test that runs models: readers and the plain executor.
#pragma once

#include <cstdlib>
#include <filesystem>

#include "core/host/registry.h"

namespace halftone::pipeline {

inline host::Registry load() {
  const char *build = std::getenv("HALFTONE_BUILD_DIR");
  const std::filesystem::path folder =
      std::filesystem::path(build == nullptr ? "." : build) / HALFTONE_TEST_PLUGIN_SUBDIR;
  host::SearchOptions options;
  options.plugin_paths = {folder / "ht_readers.so", folder / "ht_reference.so"};
  options.use_environment = false;
  options.probe = false;
  return host::load_plugins(options);
}

}  // namespace halftone::pipeline
