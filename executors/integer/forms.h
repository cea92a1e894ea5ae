// Which operators work on codes, and how activations become limits of codes.
#pragma once

#include <optional>

#include "halftone/executor.hpp"
#include "plan.h"

namespace halftone::integer {

// Operators that move or choose values: what comes out are values of input 0 (of all inputs, for Concat), or 0.
bool moves_values(const sdk::Graph &graph, const sdk::Node &node);

// Those of them that do not even look at a value.
bool carries_codes(const sdk::Node &node);

// Element-wise operators of two values.
bool combines_values(const sdk::Node &node);

// Operators whose result is no quantity, whatever they read.
bool gives_indices(const sdk::Node &node);

// Operators whose result is a mean of values of input 0.
bool takes_mean(const sdk::Node &node);

// The codes of `to` that Relu or Clip lets through; nullopt for another operator and for limits that are computed.
std::optional<Limits> limits_of(const sdk::Context &ctx, const sdk::Node &node, const Format &to);

}  // namespace halftone::integer
