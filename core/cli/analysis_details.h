// Variables, parameters and causes of an analysis as text and as JSON; docs/analysis.md describes both.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/pipeline/analysis/causes.h"

namespace halftone::cli {

void add_variables(const std::vector<pipeline::Variable> &variables, nlohmann::ordered_json &figures);
void add_parameters(const std::vector<pipeline::Parameter> &parameters, nlohmann::ordered_json &figures);
void add_causes(const std::vector<pipeline::Cause> &causes, nlohmann::ordered_json &figures);

// The most severe `most` causes with their overrides, and how many more there are.
std::string causes_text(const std::vector<pipeline::Cause> &causes, std::size_t most);

}  // namespace halftone::cli
