// The type of an unquoted YAML scalar.
#pragma once

#include <string_view>

#include "core/base/setting.h"

namespace halftone::pipeline {

// Null, bool, integer (decimal, 0x, 0o), float or text by the core schema of YAML 1.2. An integer that does not fit 64
// bits becomes a float. Sets `value` and `text` only.
Setting plain_scalar(std::string_view text);

}  // namespace halftone::pipeline
