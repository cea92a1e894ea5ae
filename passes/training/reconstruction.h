// Trains the blocks of a network one after the other, each on what the quantized network before it gives, towards what
// the float network has behind it. A block that got worse stays as it was.
#pragma once

#include "halftone/pass.hpp"
#include "recipe.h"

namespace halftone::passes {

// Capabilities that reconstruct() uses.
constexpr std::uint64_t kReconstructionCapabilities =
    HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT | HT_CAP_EXECUTE | HT_CAP_THREADS;

void reconstruct(const sdk::Context &ctx, const Recipe &recipe);

}  // namespace halftone::passes
