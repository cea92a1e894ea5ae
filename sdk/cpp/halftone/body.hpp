// Bodies: the subgraphs of If, Loop and Scan, as an executor runs them.
//
// A body is run like a model of its own. What it reads of the graphs around it becomes further inputs, behind its own,
// so that the session of a body needs nothing of the session around it.
#pragma once

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "halftone/op_kernel.hpp"

namespace halftone::sdk {

struct Body {
  ht_handle graph = HT_NONE;
  std::vector<ht_handle> inputs;    // fed by the node, in order
  std::vector<ht_handle> captured;  // values of outer graphs that it reads, those of bodies inside it included
  std::vector<ht_handle> outputs;   // each made by the body itself
  std::vector<ht_handle> tapped;    // values of the body, or of bodies inside it, that are emitted
};

// Whether a node's computation is that of bodies, by its operator.
inline bool has_bodies(const Node &node) {
  return node.is("If") || node.is("Loop") || node.is("Scan");
}

// The subgraphs of a node, in the order of these attributes.
inline std::vector<ht_handle> body_graphs(const Graph &graph, ht_handle node) {
  std::vector<ht_handle> graphs;
  for (const char *name : {"then_branch", "else_branch", "body"}) {
    if (const auto a = graph.attribute(node, name); a && a->kind == HT_ATTR_GRAPH) graphs.push_back(a->graph);
  }
  return graphs;
}

// The graph and all that are inside it.
inline std::vector<ht_handle> with_inner_graphs(const Graph &graph, ht_handle outermost) {
  std::vector<ht_handle> all{outermost};
  for (std::size_t i = 0; i < all.size(); ++i) {  // grows while it is read
    for (const ht_handle node : graph.nodes(all[i])) {
      const std::vector<ht_handle> inner = body_graphs(graph, node);
      all.insert(all.end(), inner.begin(), inner.end());
    }
  }
  return all;
}

// What a body reads and gives. `is_constant(value)` says which values of outer graphs are read from the model instead
// of being captured; `emits` are the values that the whole session hands over.
template <typename IsConstant>
Body read_body(const Graph &graph, ht_handle handle, std::span<const ht_handle> emits, const IsConstant &is_constant) {
  Body body;
  body.graph = handle;
  const auto copy = [](std::span<const ht_handle> from) { return std::vector<ht_handle>(from.begin(), from.end()); };
  body.inputs = copy(graph.inputs(handle));
  body.outputs = copy(graph.outputs(handle));
  const std::vector<ht_handle> graphs = with_inner_graphs(graph, handle);
  const std::set<ht_handle> inside(graphs.begin(), graphs.end());
  std::set<ht_handle> seen;
  for (const ht_handle inner : graphs) {
    for (const ht_handle node : graph.nodes(inner)) {
      for (const ht_handle value : graph.node(node).inputs()) {
        if (value == HT_NONE || !seen.insert(value).second || inside.contains(graph.value(value).info.graph)) continue;
        if (!is_constant(value)) body.captured.push_back(value);
      }
    }
  }
  for (const ht_handle value : emits) {
    if (inside.contains(graph.value(value).info.graph)) body.tapped.push_back(value);
  }
  return body;
}

// Values that a node reads: its inputs, and what its bodies capture.
inline std::vector<ht_handle> read_values(const Graph &graph, const Node &node) {
  std::vector<ht_handle> values(node.inputs().begin(), node.inputs().end());
  for (const ht_handle body : body_graphs(graph, node.handle)) {
    const Body read = read_body(graph, body, {}, [](ht_handle) { return false; });
    values.insert(values.end(), read.captured.begin(), read.captured.end());
  }
  return values;
}

// The node of `graph` that holds an inner value: the one that makes it, or whose bodies do; HT_NONE where there is
// none.
inline ht_handle holder_of(const Graph &graph, std::span<const ht_handle> nodes, ht_handle value) {
  const ht_handle home = graph.value(value).info.graph;
  for (const ht_handle node : nodes) {
    for (const ht_handle body : body_graphs(graph, node)) {
      const std::vector<ht_handle> inner = with_inner_graphs(graph, body);
      if (std::find(inner.begin(), inner.end(), home) != inner.end()) return node;
    }
  }
  return HT_NONE;
}

}  // namespace halftone::sdk
