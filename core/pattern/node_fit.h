// Whether a node alone can stand for an operation of a pattern, and how its slots are to be read.
#pragma once

#include "core/pattern/pattern.h"

namespace halftone::pattern {

// Type, attributes and number of inputs and outputs.
bool fits(const model::Model &model, const model::Node &node, const Operation &operation);

// Inputs up to the last that is there: trailing empty slots are the same as none.
std::size_t input_count(const model::Node &node);

}  // namespace halftone::pattern
