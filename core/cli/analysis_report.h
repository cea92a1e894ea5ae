// An analysis as a table of bars and as JSON; docs/analysis.md describes both.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "core/pipeline/analysis/analyze.h"
#include "core/pipeline/model_cost.h"

namespace halftone::cli {

enum class Method : std::uint8_t { kSnr, kCosine, kMse };

// "snr", "cosine" or "mse"; throws InvalidArgument for another.
Method parse_method(const std::string &name);

// Operators with the largest error first: by the layerwise error where there is one, else by what else was measured. No
// line is longer than 100 columns. `cost`: what the operators cost on the platform, or null.
std::string error_table(const pipeline::ErrorAnalysis &analysis, Method method, const pipeline::ModelCost *cost);

void add_samples(std::uint64_t samples, const std::vector<std::string> &skipped, nlohmann::ordered_json &figures);
void add_errors(const pipeline::ErrorAnalysis &analysis, nlohmann::ordered_json &figures);

}  // namespace halftone::cli
