// The part of a run that one pass is, as a pipeline file.
#pragma once

#include <string>

#include "core/pipeline/pipeline_spec.h"
#include "core/pipeline/plan.h"

namespace halftone::pipeline {

// A file that goes on from `state`, beside it, with `step` alone. Other paths are absolute.
std::string replay_text(const PipelineSpec &spec, const PlannedStep &step, const std::string &state);

}  // namespace halftone::pipeline
