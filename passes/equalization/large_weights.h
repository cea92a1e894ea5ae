// Splitting what is large in a weight off into a second layer.
#pragma once

#include <cstdint>

#include "layer_names.h"
#include "layer_twin.h"

namespace halftone::passes {

struct LargeWeights {
  double threshold = 1;  // magnitudes above it are split
  bool random = false;   // a random part of each goes into the second layer, instead of half
  std::uint64_t seed = 0;
};

// Splits all selected layers; returns how many had something to split.
std::size_t split_large_weights(const sdk::Context &ctx, const LargeWeights &options, const LayerNames &names);

// A number in [0, 1) from a seed and two counters, the same everywhere.
double counted_random(std::uint64_t seed, std::uint64_t stream, std::uint64_t index);

}  // namespace halftone::passes
