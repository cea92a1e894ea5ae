#include "layer_parameters.h"

#include <vector>

namespace halftone::passes {
bool has_weight_and_bias(const sdk::Node &node) {
  return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm");
}

std::int64_t output_channels(const sdk::Graph &graph, const sdk::Node &node, const sdk::StoredTensor &weight) {
  if (node.is("ConvTranspose")) return weight.extent(1) * graph.attribute_int(node.handle, "group", 1);
  if (node.is("Gemm") && graph.attribute_int(node.handle, "transB", 0) == 0) return weight.extent(1);
  return weight.extent(0);
}

std::optional<sdk::StoredTensor> read_bias(const sdk::Graph &graph, const sdk::Node &node, std::int64_t channels,
                                           ht_dtype dtype_without_bias) {
  const ht_handle value = node.input(2);
  if (value == HT_NONE) {
    return sdk::StoredTensor{
        dtype_without_bias, {channels}, std::vector<double>(static_cast<std::size_t>(channels), 0.0)};
  }
  auto bias = sdk::read_tensor(graph, value);
  if (!bias || bias->data.empty()) return std::nullopt;
  // A Gemm's bias may be anything that broadcasts to its output; one row of it is per channel.
  const auto count = static_cast<std::int64_t>(bias->data.size());
  const bool last_axis_only = bias->shape.empty() || count == bias->shape.back();
  if (count != 1 && !(count == channels && last_axis_only)) return std::nullopt;
  bias->data.resize(static_cast<std::size_t>(channels), bias->data.front());
  bias->shape = {channels};
  return bias;
}

double bias_factor(const sdk::Graph &graph, const sdk::Node &node, sdk::StoredTensor &bias) {
  const double beta = node.is("Gemm") ? graph.attribute_float(node.handle, "beta", 1.0) : 1.0;
  if (node.input(2) != HT_NONE && beta != 0) return beta;
  bias.data.assign(bias.data.size(), 0.0);
  return 1.0;
}

void set_bias_factor(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node, double factor) {
  if (graph.node(node).is("Gemm") && graph.attribute_float(node, "beta", 1.0) != factor) {
    edit.set_float(node, "beta", factor);
  }
}

void take_over_output(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle kept, ht_handle gone) {
  const ht_handle inner = graph.node(kept).output(0), outer = graph.node(gone).output(0);
  edit.remove_node(gone);
  edit.set_output(kept, 0, outer);
  edit.remove_value(inner);
}

}  // namespace halftone::passes
