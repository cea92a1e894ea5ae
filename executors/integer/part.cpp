#include "part.h"

#include <set>

namespace halftone::integer {

std::vector<ht_handle> needed_nodes(const sdk::Graph &graph, const Part &part) {
  const std::vector<ht_handle> nodes = graph.nodes(part.graph);
  std::set<ht_handle> wanted;
  std::vector<ht_handle> open;
  const auto want_node = [&](ht_handle node) {
    if (node != HT_NONE && wanted.insert(node).second) open.push_back(node);
  };
  const auto want = [&](ht_handle value) {
    if (value == HT_NONE || part.is_fed(value)) return;
    const sdk::Value v = graph.value(value);
    if (v.info.graph == part.graph) want_node(v.info.producer);
  };
  for (const ht_handle value : part.results) want(value);
  for (const ht_handle value : part.emits)
    part.is_inner(graph, value) ? want_node(sdk::holder_of(graph, nodes, value)) : want(value);
  while (!open.empty()) {
    const sdk::Node node = graph.node(open.back());
    open.pop_back();
    const auto inputs = sdk::has_bodies(node) ? sdk::read_values(graph, node)
                                              : std::vector<ht_handle>(node.inputs().begin(), node.inputs().end());
    for (const ht_handle input : inputs) want(input);
  }
  std::vector<ht_handle> out;
  for (const ht_handle node : nodes) {
    if (wanted.contains(node)) out.push_back(node);
  }
  return out;
}

}  // namespace halftone::integer
