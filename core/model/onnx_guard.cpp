#include "core/model/onnx_guard.h"

#include <algorithm>
#include <string_view>

namespace halftone::model {
namespace {

constexpr std::int64_t kUnknownRank = -1;

std::int64_t rank_of_input(const onnx::NodeProto &node, int slot, Handle graph, const Model &model) {
  if (slot >= node.input_size() || node.input(slot).empty()) return kUnknownRank;
  const Handle h = model.find_value(graph, node.input(slot));
  if (h == HT_NONE || !model.value(h).type.has_shape) return kUnknownRank;
  return static_cast<std::int64_t>(model.value(h).type.dims.size());
}

// A stride, dilation or kernel extent of 0 is divided by.
bool has_positive_windows(const onnx::NodeProto &node) {
  return std::all_of(node.attribute().begin(), node.attribute().end(), [](const onnx::AttributeProto &a) {
    const bool is_window = a.name() == "strides" || a.name() == "dilations" || a.name() == "kernel_shape";
    return !is_window || std::all_of(a.ints().begin(), a.ints().end(), [](std::int64_t i) { return i > 0; });
  });
}

// The axis is used as an index. Without a known rank only the last axis is safe.
bool has_axis_in_range(const onnx::NodeProto &node, Handle graph, const Model &model) {
  const std::int64_t rank = rank_of_input(node, 0, graph, model);
  return std::all_of(node.attribute().begin(), node.attribute().end(), [&](const onnx::AttributeProto &a) {
    if (a.name() != "axis") return true;
    return rank == kUnknownRank ? a.i() == -1 : a.i() >= -rank && a.i() < rank;
  });
}

// The weight's extents and the attributes are indexed by the data's spatial axes.
bool has_matching_ranks(const onnx::NodeProto &node, int weight_slot, Handle graph, const Model &model) {
  const std::int64_t data = rank_of_input(node, 0, graph, model);
  const std::int64_t weight = rank_of_input(node, weight_slot, graph, model);
  const std::int64_t rank = data == kUnknownRank ? weight : data;
  if (rank == kUnknownRank) return true;
  if (rank < 3 || (weight != kUnknownRank && weight != rank)) return false;
  return std::all_of(node.attribute().begin(), node.attribute().end(), [&](const onnx::AttributeProto &a) {
    const std::string_view name = a.name();
    if (name == "pads") return a.ints_size() == 2 * (rank - 2);
    const bool is_spatial = name == "strides" || name == "dilations" || name == "kernel_shape" ||
                            name == "output_padding" || name == "output_shape";
    return !is_spatial || a.ints_size() == rank - 2;
  });
}

}  // namespace

bool is_safe_to_infer(const onnx::NodeProto &node, Handle graph, const Model &model) {
  if (!has_positive_windows(node)) return false;
  if (node.op_type() == "LayerNormalization") return has_axis_in_range(node, graph, model);
  const std::string_view op_type = node.op_type();
  if (op_type == "Conv" || op_type == "ConvInteger" || op_type == "ConvTranspose") {
    return has_matching_ranks(node, 1, graph, model);
  }
  if (op_type == "QLinearConv") return has_matching_ranks(node, 3, graph, model);
  return true;
}

}  // namespace halftone::model
