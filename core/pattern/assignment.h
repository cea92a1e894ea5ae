// The last step of a match: which input of each node is which term of the text.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/pattern/attempts.h"
#include "core/pattern/constants.h"
#include "core/pattern/pattern.h"

namespace halftone::pattern {

using model::Handle;

// The values of each name of the pattern when `nodes` stand for its operations; nullopt when the inputs do not fit in
// any order. A name or _ stands for a value from outside of the match. Of inputs in any order, those that can be only
// one thing are given out first; `_` and names that occur once take what remains in the order of the text.
std::optional<std::vector<std::vector<Handle>>> assign_inputs(const model::Model &model, const Pattern &pattern,
                                                              std::span<const Handle> nodes, Constants &constants,
                                                              Attempts &attempts);

}  // namespace halftone::pattern
