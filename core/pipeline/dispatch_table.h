// `dispatch:` of a pipeline: which dispatcher, and what a user decides about single nodes.
#pragma once

#include "core/host/context.h"
#include "core/pipeline/pipeline_spec.h"
#include "core/pipeline/plan.h"
#include "core/pipeline/target.h"

namespace halftone::pipeline {

// Whether the pass decides which nodes are quantized, so that the table applies after it.
bool dispatches(const host::Component &pass);

// Before anything runs. Throws InvalidArgument with the location where `dispatch` would do nothing: no pass of the plan
// dispatches, or all that do say their method themselves.
void check_dispatch(const DispatchSpec &dispatch, const std::vector<PlannedStep> &plan);

// Each row in order, the last match wins. Throws InvalidArgument with the location for a row that matches nothing, and
// for one that quantizes only nodes without a quantized form.
void apply_dispatch_table(const std::vector<DispatchRow> &table, host::WorkingModel &working, Target &target);

}  // namespace halftone::pipeline
