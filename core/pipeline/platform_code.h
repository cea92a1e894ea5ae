// A platform plug-in's own say about a node, after the descriptor's.
#pragma once

#include <string>

#include "core/host/registry.h"
#include "core/pipeline/target.h"

namespace halftone::pipeline {

// `refine` of the role ht.platform/1 (halftone/platform.h); empty for a platform that is data alone. The registry
// outlives what comes back. Throws what the plug-in's create() recorded.
Target::Refine refine_of(const host::Registry &registry, const std::string &platform);

}  // namespace halftone::pipeline
