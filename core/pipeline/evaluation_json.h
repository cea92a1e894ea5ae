// An evaluation as JSON.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/pipeline/evaluate.h"

namespace halftone::pipeline {

void add_figures(const Evaluation &evaluation, nlohmann::ordered_json &figures);

// What of a session in integer mode is computed on integers, and which nodes are left in float.
struct IntegerCoverage {
  std::size_t sums = 0, codes = 0;
  std::vector<std::string> float_nodes;
  std::map<std::string, std::size_t> float_types;
};
IntegerCoverage integer_coverage(const host::Session &session, const host::WorkingModel &working);
void add_figures(const IntegerCoverage &coverage, nlohmann::ordered_json &figures);

}  // namespace halftone::pipeline
