// Takes the nodes of an occurrence out of the graph, so that another node can stand there.
#pragma once

#include <span>
#include <string>

#include "halftone/graph.hpp"
#include "halftone/pattern.hpp"

namespace halftone::passes {

// What stays of a place: where it was and the value that it gave.
struct Gap {
  ht_handle graph = HT_NONE, output = HT_NONE;
  std::string name;  // of the last node
};

// Removes the nodes and the values between them. `tail` are nodes behind the root, each of which read only the one
// before it: the last of them gives the value that stays.
Gap clear_place(const sdk::Graph &graph, const sdk::GraphEdit &edit, const sdk::PatternMatch &match,
                std::span<const ht_handle> tail = {});

}  // namespace halftone::passes
