// What a pass chose, as `overrides:` of a pipeline file, so that a later run has it without choosing again.
#pragma once

#include <string>
#include <string_view>

namespace halftone::passes {

// One rule for the node of this name, whatever characters it is made of: "- match: {node: ...}\n  set: {...}\n".
std::string override_rule(std::string_view node, std::string_view set);

}  // namespace halftone::passes
