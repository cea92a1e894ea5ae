// What a quantized model costs on its platform, by the platform's hints.
#pragma once

#include <nlohmann/json.hpp>

#include "core/cli/console.h"
#include "core/pipeline/runner.h"

namespace halftone::cli {

// One row, and `cost` among the figures with the sums of each operator type and the nodes; nothing for a platform that
// gives no costs.
void add_model_cost(const pipeline::Runner &runner, Table &table, nlohmann::ordered_json &figures);

}  // namespace halftone::cli
