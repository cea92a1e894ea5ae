#include "dispatch_graph.h"

#include <unordered_map>

#include "fused_weights.h"
#include "halftone/config.hpp"

namespace halftone::passes {
namespace {

// Edges come grouped by their producer, so that most doubles follow each other; another one costs a walk nothing.
void add_edge(std::vector<std::size_t> &list, std::size_t item) {
  if (list.empty() || list.back() != item) list.push_back(item);
}

// A limit takes part in no computation: what produces it is no neighbour by data.
bool carries_data(std::uint32_t role) {
  return role != HT_SLOT_NONE && role != HT_SLOT_BOUND;
}

// These read data, though no platform quantizes what they read.
bool looks_at_data(const sdk::Node &node, std::uint32_t slot) {
  return slot == 0 && (node.is("Shape") || node.is("Size") || node.is("NonMaxSuppression"));
}

bool weighted(const sdk::Node &node) {
  return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul");
}

// The main graph's first: what a body reads of the graphs around it is made before.
std::vector<ht_handle> nodes_of_all_graphs(const sdk::Context &ctx, const sdk::Graph &graph) {
  const auto borrowed = graph.graphs();
  const std::vector<ht_handle> graphs(borrowed.begin(), borrowed.end());
  std::vector<ht_handle> nodes;
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    ctx.poll(i, graphs.size());
    const std::vector<ht_handle> own = graph.nodes(graphs[i]);
    nodes.insert(nodes.end(), own.begin(), own.end());
  }
  return nodes;
}

}  // namespace

std::vector<DispatchNode> dispatch_graph(const sdk::Context &ctx) {
  const sdk::Graph graph(ctx);
  const sdk::Target target(ctx);
  const std::vector<ht_handle> handles = nodes_of_all_graphs(ctx, graph);
  std::vector<DispatchNode> nodes(handles.size());
  std::unordered_map<ht_handle, std::size_t> index;
  for (std::size_t i = 0; i < handles.size(); ++i) index[handles[i]] = i;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    if (i % 64 == 0) ctx.poll(i, handles.size());
    const sdk::Node node = graph.node(handles[i]);
    const ht_node_rule rule = target.node_rule(handles[i]);
    DispatchNode &own = nodes[i];
    own.handle = handles[i];
    own.name = node.name();
    own.op_type = node.op_type();
    own.quantizable = rule.quantized != 0;
    if (!own.quantizable) own.hindrance = sdk::view(rule.reason);
    own.computing = rule.computing != 0 || weighted(node) || stands_for_weighted(target, node);
    own.gives_no_data = !node.outputs().empty();
    for (std::uint32_t out = 0; out < node.outputs().size(); ++out) {
      const ht_handle value = node.output(out);
      if (value == HT_NONE) continue;
      const bool gives = carries_data(target.slot_role(handles[i], HT_SLOT_OUTPUT, out));
      own.gives_no_data = own.gives_no_data && !gives;
      for (const ht_use &use : graph.consumers(value)) {
        const auto reader = index.find(use.node);
        if (reader == index.end()) continue;
        const bool data = gives && (carries_data(target.slot_role(use.node, HT_SLOT_INPUT, use.slot)) ||
                                    looks_at_data(graph.node(use.node), use.slot));
        add_edge(data ? own.data_readers : own.other_readers, reader->second);
        add_edge(data ? nodes[reader->second].data_writers : nodes[reader->second].other_writers, i);
      }
    }
  }
  return nodes;
}

}  // namespace halftone::passes
