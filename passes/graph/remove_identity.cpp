#include <array>
#include <string>

#include "halftone/pass.hpp"
#include "halftone/rewire.hpp"
#include "node_walk.h"

namespace halftone::passes {
namespace {

bool is_unused(const sdk::Graph &graph, ht_handle value) {
  if (value == HT_NONE) return true;
  const sdk::Value v = graph.value(value);
  return v.info.consumer_count == 0 && !v.is_output();
}

// Every byte of a stored tensor is zero: false, 0 or 0.0.
bool is_all_zero(const sdk::Graph &graph, ht_handle value) {
  const auto tensor = graph.initializer(value);
  if (!tensor) return false;
  std::size_t width = 0;
  if (tensor->dtype == HT_I64) width = 8;
  if (tensor->dtype == HT_BOOL) width = 1;
  const auto *bytes = static_cast<const unsigned char *>(tensor->data);
  const std::size_t size = width * static_cast<std::size_t>(sdk::count_of(*tensor));
  for (std::size_t i = 0; i < size; ++i) {
    if (bytes[i] != 0) return false;
  }
  return width != 0;
}

bool drops_nothing(const sdk::Graph &graph, const sdk::Node &node) {
  const bool trains = node.input(2) != HT_NONE && !is_all_zero(graph, node.input(2));
  return !trains && is_unused(graph, node.output(1));
}

bool casts_to_same_type(const sdk::Graph &graph, const sdk::Node &node) {
  // ONNX's numbers of the element types that a cast may meet, in the order of ours.
  static constexpr std::array<std::array<std::int64_t, 2>, 13> kTypes = {{{1, HT_F32},
                                                                          {2, HT_U8},
                                                                          {3, HT_I8},
                                                                          {4, HT_U16},
                                                                          {5, HT_I16},
                                                                          {6, HT_I32},
                                                                          {7, HT_I64},
                                                                          {9, HT_BOOL},
                                                                          {10, HT_F16},
                                                                          {11, HT_F64},
                                                                          {12, HT_U32},
                                                                          {13, HT_U64},
                                                                          {16, HT_BF16}}};
  const std::int64_t to = graph.attribute_int(node.handle, "to", 0);
  const ht_dtype from = graph.value(node.input(0)).info.type.dtype;
  for (const auto &[onnx, ours] : kTypes) {
    if (onnx == to) return ours == static_cast<std::int64_t>(from);
  }
  return false;
}

bool keeps_axes(const sdk::Graph &graph, const sdk::Node &node) {
  const auto order = graph.attribute_ints(node.handle, "perm");
  if (order.empty()) {  // the default reverses all axes
    const ht_tensor_info type = graph.value(node.input(0)).info.type;
    return type.known_rank != 0 && type.rank <= 1;
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<std::int64_t>(i)) return false;
  }
  return true;
}

bool pads_nothing(const sdk::Graph &graph, const sdk::Node &node) {
  if (node.input(1) != HT_NONE) return is_all_zero(graph, node.input(1));
  const auto pads = graph.attribute_ints(node.handle, "pads");
  for (const std::int64_t p : pads) {
    if (p != 0) return false;
  }
  return !pads.empty();
}

bool has_one_operand(const sdk::Node &node) {
  return node.inputs().size() == 1;
}

// The output equals input 0 whatever the data is.
bool is_identity(const sdk::Graph &graph, const sdk::Node &node) {
  if (node.input(0) == HT_NONE || node.output(0) == HT_NONE || !node.domain().empty()) return false;
  if (node.is("Identity")) return true;
  if (node.is("Dropout")) return drops_nothing(graph, node);
  if (node.is("Cast")) return casts_to_same_type(graph, node);
  if (node.is("Transpose")) return keeps_axes(graph, node);
  if (node.is("Pad")) return pads_nothing(graph, node);
  if (node.is("Concat") || node.is("Sum") || node.is("Max") || node.is("Min") || node.is("Mean")) {
    return has_one_operand(node);
  }
  return false;
}

}  // namespace

class RemoveIdentity final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("remove-identity")
        .title("removes nodes that pass their input on unchanged")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .doc(
            "Identity, Dropout at inference, a Cast to the type that the value has already, a Transpose that keeps the "
            "order of "
            "axes, a Pad by nothing, and Concat, Sum, Max, Min or Mean of a single operand. Such nodes would hide the "
            "patterns that "
            "fusion looks for and add quantization points that no device has.\n"
            "\n"
            "Names of graph outputs stay. A node between a graph input or a constant and a graph output stays too, "
            "because the "
            "model could not be written without it.\n"
            "\n"
            "PPQ counterpart: GraphFormatter.remove_identity (Identity only).");
  }
  explicit RemoveIdentity(const sdk::Args &) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    const sdk::Rewire rewire(graph, edit);
    std::size_t removed = 0, kept = 0;
    walk_nodes(ctx, graph, [&](ht_handle handle) {
      const sdk::Node node = graph.node(handle);
      if (!is_identity(graph, node)) return;
      if (rewire.remove_keeping_links(handle)) {
        ++removed;
      } else {
        ++kept;
      }
    });
    ctx.report("removed", std::to_string(removed) + " nodes that change nothing");
    if (kept > 0) ctx.report("kept", std::to_string(kept) + " that join a graph's input or constant with its output");
  }
};
HALFTONE_PASS(RemoveIdentity)

}  // namespace halftone::passes
