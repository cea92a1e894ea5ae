// The passes that give fusions their effect, where a pipeline does not name them itself.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/host/registry.h"
#include "core/pipeline/pipeline_spec.h"
#include "core/pipeline/plan.h"
#include "core/pipeline/platform_descriptor.h"

namespace halftone::pipeline {

// The steps with what is missing put in: fuse-operators before the first pass that folds normalizations, or where none
// does before configs are made, and once more before configs where a fused form is to run; quant-alignment behind the
// calibration where scales are shared; deploy-operators, and passes that deploy in code, at the end. Throws
// InvalidArgument where no pass makes configs, so that fusions would change nothing.
std::vector<PassStep> with_fusion_steps(const host::Registry &registry, std::vector<PassStep> steps,
                                        const std::vector<FusionSpec> &fusions);

// Passes that rewrite the model for the file alone: from the first of them on a run works on a copy.
std::set<std::string> deploying_passes(const std::vector<FusionSpec> &fusions);

// Behind one of `deploying` only others of them and passes that rewrite nothing but the graph of the file may stand:
// what else changes would be in the file and not in what is evaluated. Throws InvalidArgument with the place.
void require_deployed_last(const std::vector<PlannedStep> &plan, const std::set<std::string> &deploying);

}  // namespace halftone::pipeline
