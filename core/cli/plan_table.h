// The passes of a run with all their parameters, as `--dry-run`, `explain` and reports show them.
#pragma once

#include "core/cli/console.h"
#include "core/pipeline/runner.h"

namespace halftone::cli {

Table plan_table(const pipeline::Runner &runner);

}  // namespace halftone::cli
