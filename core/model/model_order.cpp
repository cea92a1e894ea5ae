// The order in which nodes can run.
#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/model/model.h"

namespace halftone::model {

// Nodes of the same graph that must run before this one, what its subgraphs capture included.
std::vector<Handle> Model::producers_before(Handle node_handle) const {
  const Node &n = node(node_handle);
  std::vector<Handle> out;
  const auto add = [&](Handle v) {
    if (v == HT_NONE) return;
    const Value &read = value(v);
    if (read.producer != HT_NONE && read.graph == n.graph) out.push_back(read.producer);
  };
  for (const Handle v : n.inputs) add(v);
  for (const Handle v : captured_values(node_handle)) add(v);
  return out;
}

// Depth first from each node in the present order: an order that is right already stays as it is, and an inserted node
// lands directly before its first consumer.
std::vector<Handle> Model::topological_order(Handle graph_handle) const {
  enum class Mark : std::uint8_t { kNew, kOpen, kDone };
  struct Frame {
    Handle node;
    std::vector<Handle> before;
    std::size_t next = 0;
  };
  const std::vector<Handle> &nodes = graph(graph_handle).nodes;
  std::vector<Mark> marks(nodes_.size(), Mark::kNew);
  std::vector<Handle> order;
  order.reserve(nodes.size());
  std::vector<Frame> stack;
  const auto open = [&](Handle h) {
    marks[handle_index(h)] = Mark::kOpen;
    stack.push_back({h, producers_before(h), 0});
  };
  for (const Handle start : nodes) {
    if (marks[handle_index(start)] == Mark::kNew) open(start);
    while (!stack.empty()) {
      Frame &top = stack.back();
      if (top.next == top.before.size()) {
        marks[handle_index(top.node)] = Mark::kDone;
        order.push_back(top.node);
        stack.pop_back();
        continue;
      }
      const Handle before = top.before[top.next++];
      const Mark mark = marks[handle_index(before)];
      if (mark == Mark::kOpen) {
        const Node &culprit = node(before);
        fail(Status::kFailedPrecondition,
             "the graph has a cycle through node '{}' ({}): it reads what depends on its own output; export the model "
             "again, "
             "with a Loop where values are fed back",
             culprit.name, culprit.op_type);
      }
      if (mark == Mark::kNew) open(before);
    }
  }
  return order;
}

}  // namespace halftone::model
