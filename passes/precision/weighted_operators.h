// Operators whose weights may get another width: what is quantized of them, and how to change it.
#pragma once

#include <string>
#include <vector>

#include "halftone/config.hpp"
#include "halftone/pass.hpp"
#include "sensitivity_table.h"

namespace halftone::passes {

// Those of the main graph that read one stored weight.
struct WeightedOperator {
  std::string weight;
  std::uint64_t elements = 0;
  std::vector<ht_handle> nodes;
  std::vector<ht_handle> weight_configs;  // one for each node
  std::vector<ht_handle> input_configs;   // of the activations that they read, with a range of their own
  std::uint32_t weight_bits = 0;          // as it is
  bool by_user = false;                   // an override gave it this width, which is the last word
};

// In topological order. Weights of integers whose scale is still to be found. Throws Failure for a weight that has its
// scale already: whoever chooses widths comes before whoever finds scales.
std::vector<WeightedOperator> find_weighted_operators(const sdk::Context &ctx, const char *pass);

// The type with another width: all codes of it, as an override of `bits` has them; its own width leaves it as it is.
ht_quant_spec with_bits(ht_quant_spec spec, std::uint32_t bits);

}  // namespace halftone::passes
