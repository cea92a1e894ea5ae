// Presets: named lists of passes that come with the installation.
#pragma once

#include <string>

#include "core/pipeline/pipeline_spec.h"

namespace halftone::pipeline {

// Takes `passes:`, `platform:` and `observer:` of the preset into the spec; what the user gave stays. Throws NotFound
// with the nearest name.
void apply_preset(const std::string &name, PipelineSpec &spec);

}  // namespace halftone::pipeline
