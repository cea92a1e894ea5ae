// Blocks that a pipeline names by their layers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "block_finder.h"

namespace halftone::passes {

// `*` stands for any text, `?` for any character.
bool matches(std::string_view name, std::string_view pattern);

// The blocks that hold a node whose name matches one of the patterns; all of them where there is no pattern. Throws for
// a pattern that matches no node of a block.
std::vector<Block> chosen_blocks(const sdk::Graph &graph, const FlowGraph &flow, std::vector<Block> blocks,
                                 const std::vector<std::string> &patterns);

}  // namespace halftone::passes
