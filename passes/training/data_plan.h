// Which values are kept for training blocks one after the other, from when to when, so that every sample passes each
// part of the network a fixed number of times, however many blocks there are.
#pragma once

#include <cstddef>
#include <vector>

#include "block_finder.h"

namespace halftone::passes {

// What is done for one block. All are values; the exit of the block is in none of the first two lists.
struct DataStep {
  std::vector<std::size_t> feeds;   // kept values that the block's exit is computed from
  std::vector<std::size_t> stores;  // to keep while computing it: entries of the block, and what later blocks need
  std::vector<std::size_t> drops;   // kept values that nobody needs when the block is done
  std::vector<std::size_t> nodes;   // that are computed, the block's included
};

struct DataPlan {
  std::vector<std::size_t> inputs;  // of the graph, kept from the start
  std::vector<DataStep> steps;      // one for each block
};

DataPlan plan_data(const FlowGraph &graph, const std::vector<Block> &blocks);

}  // namespace halftone::passes
