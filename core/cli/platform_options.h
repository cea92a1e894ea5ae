// Choices for a platform's settings on the command line.
#pragma once

#include <string>
#include <vector>

#include "core/pipeline/pipeline_spec.h"

namespace halftone::cli {

// --platform-setting KEY=VALUE; goes before what a preset chose. Throws InvalidArgument for a key that is set twice.
void set_platform_choices(const std::vector<std::string> &texts, pipeline::PipelineSpec &spec);

}  // namespace halftone::cli
