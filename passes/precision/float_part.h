// The part of the model between its inputs and some values, as it is in float.
#pragma once

#include <set>
#include <vector>

#include "halftone/pass.hpp"

namespace halftone::passes {

struct FloatPart {
  std::vector<ht_handle> inputs;  // of the main graph, that the values depend on
  std::set<ht_handle> reads;      // every value that they depend on, stored ones included
};

// Throws Failure where something in it is quantized already, so that differences of gradients would mean nothing.
FloatPart float_part(const sdk::Context &ctx, const std::vector<ht_handle> &values);

}  // namespace halftone::passes
