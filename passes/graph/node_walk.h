// Visits every node of a model, those of subgraphs too.
#pragma once

#include <functional>

#include "halftone/graph.hpp"

namespace halftone::passes {

// In topological order within each graph, the main graph first. The visitor may remove the node that it is called for,
// and add nodes, which are not visited. Polls for cancellation.
void walk_nodes(const sdk::Context &ctx, const sdk::Graph &graph, const std::function<void(ht_handle)> &visit);

}  // namespace halftone::passes
