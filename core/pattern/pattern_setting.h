// Patterns in files of settings.
#pragma once

#include <string_view>

#include "core/base/setting.h"

namespace halftone::pattern {

enum class Use { kAny, kFusion };  // parse() or parse_fusion()

// Throws InvalidArgument when the setting's text is no pattern for that use: "file.yaml:4:7: <what>: pattern '...' at
// 1:17: ...".
void check_setting(const Setting &setting, std::string_view what, Use use = Use::kAny);

}  // namespace halftone::pattern
