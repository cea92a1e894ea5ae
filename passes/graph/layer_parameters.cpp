#include "layer_parameters.h"

#include <algorithm>
#include <string>

namespace halftone::passes {
namespace {

// The tensor in its own type; `floats` holds a rounded copy where it is float32.
ht_tensor_view view_of(const Parameter &parameter, std::vector<float> &floats) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = parameter.dtype;
  view.rank = static_cast<std::uint32_t>(parameter.shape.size());
  view.shape = parameter.shape.data();
  if (parameter.dtype == HT_F64) {
    view.data = const_cast<double *>(parameter.data.data());
  } else {
    floats.resize(parameter.data.size());
    std::transform(parameter.data.begin(), parameter.data.end(), floats.begin(),
                   [](double x) { return static_cast<float>(x); });
    view.data = floats.data();
  }
  return view;
}

}  // namespace

std::int64_t Parameter::stride(std::size_t axis) const {
  std::int64_t n = 1;
  for (std::size_t i = axis + 1; i < shape.size(); ++i) n *= shape[i];
  return n;
}

std::optional<Parameter> read_parameter(const sdk::Graph &graph, ht_handle value) {
  const auto tensor = graph.initializer(value);
  if (!tensor || (tensor->dtype != HT_F32 && tensor->dtype != HT_F64)) return std::nullopt;
  Parameter p;
  p.dtype = tensor->dtype;
  p.shape.assign(tensor->shape, tensor->shape + tensor->rank);
  const auto count = static_cast<std::size_t>(sdk::count_of(*tensor));
  if (tensor->dtype == HT_F64) {
    const auto *data = static_cast<const double *>(tensor->data);
    p.data.assign(data, data + count);
  } else {
    const auto *data = static_cast<const float *>(tensor->data);
    p.data.assign(data, data + count);
  }
  return p;
}

ht_handle add_parameter(const sdk::GraphEdit &edit, ht_handle graph, std::string_view name,
                        const Parameter &parameter) {
  std::vector<float> floats;
  return edit.add_initializer(graph, name, view_of(parameter, floats));
}

void write_parameter(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node, std::uint32_t slot,
                     std::string_view name, const Parameter &parameter) {
  const sdk::Node owner = graph.node(node);
  const ht_handle present = owner.input(slot);
  if (present != HT_NONE) {
    const sdk::Value value = graph.value(present);
    if (value.is_initializer() && value.info.consumer_count == 1 && !value.is_output()) {
      std::vector<float> floats;
      edit.set_initializer(present, view_of(parameter, floats));
      return;
    }
  }
  const ht_handle home = owner.graph();
  edit.set_input(node, slot, add_parameter(edit, home, name, parameter));
}

bool has_weight_and_bias(const sdk::Node &node) {
  return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm");
}

std::int64_t output_channels(const sdk::Graph &graph, const sdk::Node &node, const Parameter &weight) {
  if (node.is("ConvTranspose")) return weight.extent(1) * graph.attribute_int(node.handle, "group", 1);
  if (node.is("Gemm") && graph.attribute_int(node.handle, "transB", 0) == 0) return weight.extent(1);
  return weight.extent(0);
}

std::optional<Parameter> read_bias(const sdk::Graph &graph, const sdk::Node &node, std::int64_t channels,
                                   ht_dtype dtype_without_bias) {
  const ht_handle value = node.input(2);
  if (value == HT_NONE) {
    return Parameter{dtype_without_bias, {channels}, std::vector<double>(static_cast<std::size_t>(channels), 0.0)};
  }
  auto bias = read_parameter(graph, value);
  if (!bias || bias->data.empty()) return std::nullopt;
  // A Gemm's bias may be anything that broadcasts to its output; one row of it is per channel.
  const auto count = static_cast<std::int64_t>(bias->data.size());
  const bool last_axis_only = bias->shape.empty() || count == bias->shape.back();
  if (count != 1 && !(count == channels && last_axis_only)) return std::nullopt;
  bias->data.resize(static_cast<std::size_t>(channels), bias->data.front());
  bias->shape = {channels};
  return bias;
}

double bias_factor(const sdk::Graph &graph, const sdk::Node &node, Parameter &bias) {
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
