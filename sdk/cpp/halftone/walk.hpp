// All operators of a model, and all quantization configs of one: what a pass goes through.
#pragma once

#include <cstdint>
#include <vector>

#include "halftone/config.hpp"
#include "halftone/graph.hpp"

namespace halftone::sdk {

// The nodes of the main graph, then those of the bodies of If, Loop and Scan; in topological order within each. A copy,
// so that edits may follow.
inline std::vector<ht_handle> every_node(const Graph &graph) {
  std::vector<ht_handle> all;
  for (const ht_handle part : graph.graphs()) {
    const std::vector<ht_handle> nodes = graph.nodes(part);
    all.insert(all.end(), nodes.begin(), nodes.end());
  }
  return all;
}

// The configs of a node's inputs, then of its outputs; slots without config are left out.
inline std::vector<ht_handle> configs_of(const Configs &configs, const Node &node) {
  std::vector<ht_handle> all;
  const auto add = [&](ht_handle config) {
    if (config != HT_NONE) all.push_back(config);
  };
  for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) add(configs.input(node.handle, slot));
  for (std::uint32_t slot = 0; slot < node.outputs().size(); ++slot) add(configs.output(node.handle, slot));
  return all;
}

}  // namespace halftone::sdk
