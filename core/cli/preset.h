// Presets: named lists of passes that come with the installation.
#pragma once

#include <string>

#include "core/pipeline/pipeline_spec.h"

namespace halftone::cli {

// Takes `passes:`, `platform:` and `observer:` of the preset into the spec; what the user gave stays. Throws NotFound
// with the nearest name.
void apply_preset(const std::string &name, pipeline::PipelineSpec &spec);

}  // namespace halftone::cli
