// An evaluation as rows of a table.
#pragma once

#include <string>

#include "core/cli/console.h"
#include "core/pipeline/evaluate.h"

namespace halftone::cli {

// `label` is what the evaluated model is called: "int8", "model".
void add_evaluation(const pipeline::Evaluation &evaluation, const std::string &label, Table &table);

}  // namespace halftone::cli
