// An evaluation as rows of a table and as JSON.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "core/cli/console.h"
#include "core/pipeline/evaluate.h"

namespace halftone::cli {

// `label` is what the evaluated model is called: "int8", "model".
void add_evaluation(const pipeline::Evaluation &evaluation, const std::string &label, Table &table,
                    nlohmann::ordered_json &figures);

}  // namespace halftone::cli
