// Puts another form into a place of a fusion.
#pragma once

#include <vector>

#include "core/host/context.h"
#include "core/pipeline/fusion_losses.h"
#include "core/pipeline/fusion_place.h"

namespace halftone::pipeline {

// New nodes for the place, with the configs of the values around it; those inside go. The place is about the new nodes
// afterwards. Throws FailedPrecondition where a computation inside would be lost.
std::vector<Handle> replace_place(host::WorkingModel &working, const FusionSpec &fusion,
                                  const pattern::Pattern &expression, const Folding &folding, FusionPlace &place);

}  // namespace halftone::pipeline
