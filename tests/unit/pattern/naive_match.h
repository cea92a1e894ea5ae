// A second matcher, plain and slow: tries every input of every node for every term.
#pragma once

#include <set>

#include "core/pattern/pattern.h"

namespace halftone::pattern::test {

using model::Handle;

// Whether the pattern can be laid over the model with this root and with no node of `taken`. Knows types, names, `_`,
// `*`, `?`, nesting, definitions and commutative operators; no attributes, numbers, `...` or further outputs.
bool occurs(const model::Model &model, const Pattern &pattern, Handle root, const std::set<Handle> &taken);

}  // namespace halftone::pattern::test
