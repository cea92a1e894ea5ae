// Files of configs (configs_out:, --configs-out) as `inspect` and `explain` read them.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace halftone::cli {

// Throws DataLoss, saying what is missing, unless the file has all that the commands print, each of its type.
nlohmann::json read_configs(const std::string &file);

}  // namespace halftone::cli
