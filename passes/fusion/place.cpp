#include "place.h"

#include <vector>

namespace halftone::passes {

Gap clear_place(const sdk::Graph &graph, const sdk::GraphEdit &edit, const sdk::PatternMatch &match,
                std::span<const ht_handle> tail) {
  std::vector<ht_handle> nodes(match.nodes().begin(), match.nodes().end());
  std::vector<ht_handle> values(match.inner().begin(), match.inner().end());
  ht_handle last = match.root();
  for (const ht_handle node : tail) {
    values.push_back(graph.node(last).output(0));
    nodes.push_back(node);
    last = node;
  }
  const sdk::Node end = graph.node(last);
  Gap gap{end.graph(), end.output(0), std::string(end.name())};
  for (const ht_handle node : nodes) edit.remove_node(node);
  for (const ht_handle value : values) edit.remove_value(value);
  return gap;
}

}  // namespace halftone::passes
