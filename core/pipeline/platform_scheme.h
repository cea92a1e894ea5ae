// The `types:` section of a platform descriptor.
#pragma once

#include <string_view>

#include "core/pipeline/platform_descriptor.h"

namespace halftone::pipeline {

// `what` names the type in messages: "'types.weight'".
Scheme read_scheme(const Setting &setting, std::string_view what);

}  // namespace halftone::pipeline
