// `report:` of a pipeline: what a run did, as one HTML file; docs/pipelines.md describes it.
#pragma once

#include <string>

#include "core/pipeline/run_figures.h"

namespace halftone::cli {

using pipeline::RunFigures;

// All but the section of times and memory is the same for the same run.
std::string run_report(const pipeline::Runner &runner, const RunFigures &figures);

}  // namespace halftone::cli
