// Blocks of a network that are trained one after the other (Li et al., BRECQ, 2021; PPQ's block builder).
#pragma once

#include <vector>

#include "flow_graph.h"

namespace halftone::passes {

// One value leaves a block; as few as the graph allows enter it.
struct Block {
  std::vector<std::size_t> nodes;    // ascending
  std::vector<std::size_t> entries;  // values, ascending
  std::size_t exit = 0;              // a value
};

struct BlockRule {
  // Operators on a block's longest path, less one; those that only move data do not count. A branch that comes together
  // again may be longer, up to `branch`, where a cut inside it would leave more values open than one behind it.
  unsigned size = 4;
  unsigned branch = 12;
};

// Disjoint blocks in topological order; every node that learns and that some block can hold is in one. A block starts
// at the first such node that is not covered and ends where the fewest values are needed further on, as far away as the
// rule allows. What such a node needs before it and what lies between blocks belongs to none.
std::vector<Block> find_blocks(const FlowGraph &graph, const BlockRule &rule);

}  // namespace halftone::passes
