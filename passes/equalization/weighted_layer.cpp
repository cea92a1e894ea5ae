#include "weighted_layer.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <stdexcept>

namespace halftone::passes {
namespace {

void set_layout(WeightedLayer &layer, std::size_t lead_axis, bool outputs_lead) {
  const StoredTensor &w = layer.weight;
  layer.outputs_lead = outputs_lead;
  layer.lead_stride = w.stride(lead_axis);
  layer.lead_extent = static_cast<std::size_t>(w.extent(lead_axis));
  layer.second_stride = w.stride(lead_axis + 1);
  layer.second_extent = static_cast<std::size_t>(w.extent(lead_axis + 1));
  const std::size_t second = layer.second_extent * layer.groups;
  layer.outputs = outputs_lead ? layer.lead_extent : second;
  layer.inputs = outputs_lead ? second : layer.lead_extent;
}

bool set_convolution(const sdk::Graph &graph, WeightedLayer &layer) {
  const std::int64_t groups = graph.attribute_int(layer.node, "group", 1);
  if (layer.weight.rank() < 3 || groups < 1 || layer.weight.extent(0) % groups != 0) return false;
  layer.groups = static_cast<std::size_t>(groups);
  set_layout(layer, 0, layer.type == "Conv");
  return true;
}

bool set_gemm(const sdk::Graph &graph, WeightedLayer &layer) {
  if (layer.weight.rank() != 2) return false;
  layer.input_axis = graph.attribute_int(layer.node, "transA", 0) != 0 ? 0 : 1;
  layer.bias_factor = graph.attribute_float(layer.node, "beta", 1.0);
  set_layout(layer, 0, graph.attribute_int(layer.node, "transB", 0) != 0);
  return true;
}

bool set_matmul(WeightedLayer &layer) {
  const std::size_t rank = layer.weight.rank();
  const bool weight_first = layer.weight_slot == 0;
  if (rank < 2 || (weight_first && rank != 2)) return false;
  layer.axes_from_last = true;
  layer.input_axis = layer.output_axis = weight_first ? 1 : 0;
  set_layout(layer, rank - 2, weight_first);
  return true;
}

bool read_bias(const sdk::Graph &graph, const sdk::Node &node, WeightedLayer &layer) {
  const ht_handle value = node.input(2);
  if (layer.type == "MatMul" || value == HT_NONE) return true;
  layer.bias = read_tensor(graph, value);
  layer.bias_is_computed = !layer.bias;
  if (!layer.bias) return true;
  const std::int64_t last = layer.bias->shape.empty() ? 1 : layer.bias->shape.back();
  const auto outputs = static_cast<std::int64_t>(layer.outputs);
  return last == outputs || (last == 1 && layer.type == "Gemm");
}

// Hands over the weights run by run: body(index on the leading axis, index on the second axis, first element, count).
// The same as dividing every element's index by the strides, which takes longer than what is done with it.
template <class Body>
void each_run(const WeightedLayer &layer, const Body &body) {
  const bool lead_outside = layer.lead_stride >= layer.second_stride;
  const std::size_t outside = lead_outside ? layer.lead_extent : layer.second_extent;
  const std::size_t inside = lead_outside ? layer.second_extent : layer.lead_extent;
  const std::size_t run = std::min(layer.lead_stride, layer.second_stride);
  const std::size_t between = std::max(layer.lead_stride, layer.second_stride) / std::max<std::size_t>(run * inside, 1);
  const std::size_t size = layer.weight.data.size(), whole = outside * between * inside * run;
  if (whole == 0 ? size != 0 : size % whole != 0)
    throw std::logic_error("a weight whose strides do not fit its extents");
  for (std::size_t at = 0; at < size;) {
    for (std::size_t a = 0; a < outside; ++a) {
      for (std::size_t k = 0; k < between; ++k) {
        for (std::size_t b = 0; b < inside; ++b, at += run) {
          lead_outside ? body(a, b, at, run) : body(b, a, at, run);
        }
      }
    }
  }
}

// What each_run() hands over, with the channel of the inputs or of the outputs in place of the two indices.
template <class Body>
void each_channel_run(const WeightedLayer &layer, bool of_outputs, const Body &body) {
  if (of_outputs == layer.outputs_lead) {
    each_run(layer, [&](std::size_t lead, std::size_t, std::size_t at, std::size_t run) { body(lead, at, run); });
    return;
  }
  const std::size_t of_group = layer.lead_extent / layer.groups;
  each_run(layer, [&](std::size_t lead, std::size_t second, std::size_t at, std::size_t run) {
    body((layer.groups == 1 ? 0 : lead / of_group * layer.second_extent) + second, at, run);
  });
}

std::vector<double> peaks(const WeightedLayer &layer, std::size_t channels, bool of_outputs) {
  std::vector<double> peak(channels, 0.0);
  each_channel_run(layer, of_outputs, [&](std::size_t channel, std::size_t at, std::size_t run) {
    for (const double weight : std::span(layer.weight.data).subspan(at, run)) {
      peak[channel] = std::max(peak[channel], std::abs(weight));
    }
  });
  return peak;
}

void scale_weights(WeightedLayer &layer, bool of_outputs, std::span<const double> factors) {
  if (std::all_of(factors.begin(), factors.end(), [](double factor) { return factor == 1; })) return;
  each_channel_run(layer, of_outputs, [&](std::size_t channel, std::size_t at, std::size_t run) {
    for (double &weight : std::span(layer.weight.data).subspan(at, run)) weight *= factors[channel];
  });
}

}  // namespace

std::vector<double> WeightedLayer::input_peaks() const {
  return peaks(*this, inputs, false);
}

std::vector<double> WeightedLayer::output_peaks() const {
  return peaks(*this, outputs, true);
}

std::vector<double> WeightedLayer::bias_peaks() const {
  std::vector<double> peak(outputs, 0.0);
  if (!bias || bias->data.empty()) return peak;
  const StoredTensor wide = widened(*bias, 0, static_cast<std::int64_t>(outputs));
  for (std::size_t i = 0; i < wide.data.size(); ++i) {
    peak[i % outputs] = std::max(peak[i % outputs], std::abs(wide.data[i] * bias_factor));
  }
  return peak;
}

void WeightedLayer::scale_inputs(std::span<const double> factors) {
  scale_weights(*this, false, factors);
}

void WeightedLayer::scale_outputs(std::span<const double> factors) {
  scale_weights(*this, true, factors);
  if (!bias || bias->data.empty()) return;
  *bias = widened(*bias, 0, static_cast<std::int64_t>(outputs));
  for (std::size_t i = 0; i < bias->data.size(); ++i) bias->data[i] *= factors[i % outputs];
}

std::optional<WeightedLayer> read_layer(const sdk::Graph &graph, ht_handle handle) {
  const sdk::Node node = graph.node(handle);
  WeightedLayer layer;
  layer.node = handle;
  layer.name = node.name();
  layer.type = node.op_type();
  const bool matmul = node.is("MatMul"), gemm = node.is("Gemm");
  if (!matmul && !gemm && !node.is("Conv") && !node.is("ConvTranspose")) return std::nullopt;
  auto weight = read_tensor(graph, node.input(1));
  if (!weight && matmul) {
    weight = read_tensor(graph, node.input(0));
    layer.data_slot = 1;
    layer.weight_slot = 0;
  }
  const ht_handle data = node.input(layer.data_slot);
  if (!weight || weight->data.empty() || data == HT_NONE || graph.value(data).is_initializer()) return std::nullopt;
  layer.weight = std::move(*weight);
  const bool fits = matmul ? set_matmul(layer) : gemm ? set_gemm(graph, layer) : set_convolution(graph, layer);
  if (!fits || !read_bias(graph, node, layer)) return std::nullopt;
  return layer;
}

void store_layer(const sdk::Graph &graph, const sdk::GraphEdit &edit, const WeightedLayer &layer) {
  store_tensor(graph, edit, layer.node, layer.weight_slot, layer.name + "_weight", layer.weight);
  if (layer.bias) store_tensor(graph, edit, layer.node, 2, layer.name + "_bias", *layer.bias);
}

bool add_to_bias(const sdk::Graph &graph, const sdk::GraphEdit &edit, WeightedLayer &layer,
                 std::span<const double> added) {
  if (layer.type == "MatMul" || layer.bias_is_computed) return false;
  const auto outputs = static_cast<std::int64_t>(layer.outputs);
  if (!layer.bias || layer.bias_factor == 0) {
    layer.bias = StoredTensor{layer.weight.dtype, {outputs}, std::vector<double>(layer.outputs, 0.0)};
    if (layer.bias_factor != 1) edit.set_float(layer.node, "beta", 1.0);
    layer.bias_factor = 1;
  }
  *layer.bias = widened(*layer.bias, 0, outputs);
  for (std::size_t i = 0; i < layer.bias->data.size(); ++i) {
    layer.bias->data[i] += added[i % layer.outputs] / layer.bias_factor;
  }
  store_tensor(graph, edit, layer.node, 2, layer.name + "_bias", *layer.bias);
  return true;
}

}  // namespace halftone::passes
