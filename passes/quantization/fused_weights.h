// Weights of operators of plug-ins that a fusion put in the place of others.
#pragma once

#include <cstdint>

#include "halftone/graph.hpp"
#include "halftone/target.hpp"

namespace halftone::passes {

// What such an operator reads in a slot was the weight of one that it stands for, with the same axis. Platforms say of
// no other operator outside ONNX what it reads.
bool reads_fused_weight(const sdk::Target &target, const sdk::Node &node, std::uint32_t slot);

// One that stands for operators of which one has a weight, and counts as weighted: some slot of it reads that weight.
bool stands_for_weighted(const sdk::Target &target, const sdk::Node &node);

}  // namespace halftone::passes
