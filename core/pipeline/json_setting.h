// JSON, and nothing but JSON, to a tree of settings that knows where each value was written.
#pragma once

#include <string_view>

#include "core/base/setting.h"

namespace halftone::pipeline {

// For files that other programs write. Strings are text, whatever they look like. Throws InvalidArgument
// "name:line:column: ..." for a syntax error, a key that is written twice (naming both places), or a document that is
// too deep.
Setting parse_json(std::string_view text, std::string_view name);

}  // namespace halftone::pipeline
