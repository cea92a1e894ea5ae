#include "node_walk.h"

#include <vector>

namespace halftone::passes {

void walk_nodes(const sdk::Context &ctx, const sdk::Graph &graph, const std::function<void(ht_handle)> &visit) {
  const auto borrowed = graph.graphs();
  const std::vector<ht_handle> graphs(borrowed.begin(), borrowed.end());
  for (const ht_handle g : graphs) {
    const std::vector<ht_handle> nodes = graph.nodes(g);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i % 32 == 0) ctx.poll(i, nodes.size());
      visit(nodes[i]);
    }
  }
}

}  // namespace halftone::passes
