// The part of `halftone inspect` about quantization.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "core/model/model.h"

namespace halftone::cli {

// Q/DQ pairs by type and granularity, which operators run on integers and which in float; "float" for a float model.
void print_quantization(const model::Model &model);

// How many configs of a file have each state, and which pass set their scales.
struct ConfigStates {
  std::string file, platform;
  std::map<std::string, std::size_t> states, origins;
};
// Throws when it is no file of configs.
ConfigStates read_config_states(const std::string &file);
void print_config_states(const ConfigStates &configs);

// The file of configs beside a model: of "a.int8.onnx" a.int8.onnx.configs.json, a.int8.configs.json or a.configs.json;
// "" when there is none.
std::string configs_beside(const std::string &model_file);

}  // namespace halftone::cli
