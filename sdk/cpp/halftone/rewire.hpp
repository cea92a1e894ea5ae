// Puts single nodes into a graph and takes them out, without a link or a name going lost.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::sdk {

// A node to insert: its input 0 is the value it is put on, then come `more`.
struct NewNode {
  std::string_view op_type, name, domain = {};
  std::span<const ht_handle> more = {};
};

class Rewire {
 public:
  Rewire(const Graph &graph, const GraphEdit &edit) : graph_(graph), edit_(edit) {}

  // Every reader of `value`, in subgraphs too, reads the new node's output afterwards. Where `value` is an output of
  // its graph, the node's output becomes it and keeps the name that users know. A graph input that is an output of the
  // graph too cannot have a node behind it: HT_FAILED_PRECONDITION. The node lives in the graph of `value`. `type` is
  // that of its output, that of `value` where null. Returns the node.
  ht_handle insert_on_value(ht_handle value, const NewNode &node, const ht_tensor_info *type = nullptr) const {
    const Value old = graph_.value(value);
    const ht_handle home = old.info.graph;
    const ht_handle out = add_output(home, old, type);
    edit_.replace_uses(value, out);
    return add(home, value, node, out);
  }

  // Only one input slot of one node reads the new node's output afterwards. The new node lives in the reader's graph.
  ht_handle insert_before(ht_handle reader, std::uint32_t slot, const NewNode &node,
                          const ht_tensor_info *type = nullptr) const {
    const Node info = graph_.node(reader);
    const ht_handle home = info.graph(), value = info.input(slot);
    if (value == HT_NONE) {
      throw Failure(HT_INVALID_ARGUMENT, "there is no input in slot " + std::to_string(slot) + " to put a node on",
                    reader);
    }
    const ht_handle out = add_output(home, graph_.value(value), type);
    const ht_handle inserted = add(home, value, node, out);
    edit_.set_input(reader, slot, out);
    return inserted;
  }

  // Whether remove_keeping_links() can: other outputs are unread, and an output of the graph would still have a
  // producer in its graph and be no output under two names.
  bool can_remove(ht_handle node, std::size_t slot = 0) const {
    const Node info = graph_.node(node);
    const ht_handle in = info.input(slot), out = info.output(0);
    if (in == HT_NONE || out == HT_NONE) return false;
    for (std::size_t i = 1; i < info.outputs().size(); ++i) {
      if (info.outputs()[i] != HT_NONE && is_read(info.outputs()[i])) return false;
    }
    const Value from = graph_.value(out), to = graph_.value(in);
    if (!from.is_output()) return true;
    return !to.is_output() && !to.is_input() && !to.is_initializer() && to.info.graph == from.info.graph;
  }

  // Who read the node's first output reads its input `slot` instead; the node and its outputs go. Names of graph
  // outputs stay. False, with nothing changed, where can_remove() says no.
  bool remove_keeping_links(ht_handle node, std::size_t slot = 0) const {
    if (!can_remove(node, slot)) return false;
    const Node info = graph_.node(node);
    const std::vector<ht_handle> outputs(info.outputs().begin(), info.outputs().end());
    const ht_handle in = info.input(slot);
    edit_.replace_uses(outputs[0], in);
    edit_.remove_node(node);
    for (const ht_handle output : outputs) {
      if (output != HT_NONE) edit_.remove_value(output);
    }
    return true;
  }

 private:
  bool is_read(ht_handle value) const {
    const Value v = graph_.value(value);
    return v.info.consumer_count > 0 || v.is_output();
  }
  ht_handle add_output(ht_handle home, const Value &like, const ht_tensor_info *type) const {
    ht_tensor_info copy = type != nullptr ? *type : like.info.type;
    copy.struct_size = sizeof(copy);
    return edit_.add_value(home, std::string(like.name()) + "_new", &copy);
  }
  ht_handle add(ht_handle home, ht_handle value, const NewNode &node, ht_handle out) const {
    std::vector<ht_handle> inputs = {value};
    inputs.insert(inputs.end(), node.more.begin(), node.more.end());
    return edit_.add_node(home, node.op_type, node.name, inputs, {&out, 1}, node.domain);
  }

  const Graph &graph_;
  const GraphEdit &edit_;
};

}  // namespace halftone::sdk
