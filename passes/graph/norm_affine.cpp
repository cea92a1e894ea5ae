#include "norm_affine.h"

#include <array>
#include <cmath>
#include <string>

#include "layer_parameters.h"

namespace halftone::passes {

bool is_inference_norm(const sdk::Graph &graph, const sdk::Node &node) {
  if (!node.is("BatchNormalization") || graph.attribute_int(node.handle, "training_mode", 0) != 0) return false;
  for (std::size_t i = 1; i < node.outputs().size(); ++i) {
    if (node.outputs()[i] != HT_NONE) return false;
  }
  return node.inputs().size() == 5 && node.input(0) != HT_NONE && node.output(0) != HT_NONE;
}

std::optional<NormAffine> read_norm_affine(const sdk::Graph &graph, const sdk::Node &node) {
  const auto gamma = sdk::read_tensor(graph, node.input(1)), beta = sdk::read_tensor(graph, node.input(2));
  const auto mean = sdk::read_tensor(graph, node.input(3)), variance = sdk::read_tensor(graph, node.input(4));
  if (!gamma || !beta || !mean || !variance) return std::nullopt;
  const std::size_t channels = gamma->data.size();
  if (beta->data.size() != channels || mean->data.size() != channels || variance->data.size() != channels) {
    return std::nullopt;
  }
  const double epsilon = graph.attribute_float(node.handle, "epsilon", 1e-5);
  NormAffine affine;
  affine.dtype = gamma->dtype;
  for (std::size_t c = 0; c < channels; ++c) {
    const double factor = gamma->data[c] / std::sqrt(variance->data[c] + epsilon);
    const double offset = beta->data[c] - mean->data[c] * factor;
    if (!std::isfinite(factor) || !std::isfinite(offset)) return std::nullopt;
    affine.factor.push_back(factor);
    affine.offset.push_back(offset);
  }
  return affine;
}

std::size_t norm_rank(const sdk::Graph &graph, const sdk::Node &node) {
  for (const ht_handle value : {node.input(0), node.output(0)}) {
    const ht_tensor_info type = graph.value(value).info.type;
    if (type.known_rank != 0) return type.rank;
  }
  // A convolution's output has as many axes as its weight, even where the shape before it was computed.
  const ht_handle producer = graph.value(node.input(0)).info.producer;
  if (producer == HT_NONE) return 0;
  const sdk::Node layer = graph.node(producer);
  if ((!layer.is("Conv") && !layer.is("ConvTranspose")) || layer.input(1) == HT_NONE) return 0;
  const ht_tensor_info weight = graph.value(layer.input(1)).info.type;
  return weight.known_rank != 0 ? weight.rank : 0;
}

void put_depthwise_conv(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle norm, const NormAffine &affine,
                        std::size_t rank) {
  const sdk::Node node = graph.node(norm);
  const auto channels = static_cast<std::int64_t>(affine.factor.size());
  std::vector<std::int64_t> shape(rank, 1);
  shape[0] = channels;
  const sdk::StoredTensor weight{affine.dtype, shape, affine.factor}, bias{affine.dtype, {channels}, affine.offset};
  const std::string name(node.name());
  const ht_handle home = node.graph(), input = node.input(0), output = node.output(0);
  const std::array inputs = {input, sdk::add_tensor(edit, home, name + "_weight", weight),
                             sdk::add_tensor(edit, home, name + "_bias", bias)};
  edit.remove_node(norm);
  const ht_handle conv = edit.add_node(home, "Conv", name, inputs, {&output, 1});
  edit.set_ints(conv, "kernel_shape", std::vector<std::int64_t>(rank - 2, 1));
  edit.set_int(conv, "group", channels);
}

void put_mul_add(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle norm, const NormAffine &affine,
                 std::size_t rank) {
  const sdk::Node node = graph.node(norm);
  std::vector<std::int64_t> shape(rank - 1, 1);  // from axis 1 on, which has the channels
  shape[0] = static_cast<std::int64_t>(affine.factor.size());
  const sdk::StoredTensor factor{affine.dtype, shape, affine.factor}, offset{affine.dtype, shape, affine.offset};
  const std::string name(node.name());
  const ht_handle home = node.graph(), input = node.input(0), output = node.output(0);
  const ht_tensor_info type = graph.value(output).info.type;
  const std::array factors = {input, sdk::add_tensor(edit, home, name + "_factor", factor)};
  edit.remove_node(norm);
  const ht_handle scaled = edit.add_value(home, name + "_scaled", &type);
  edit.add_node(home, "Mul", name + "_mul", factors, {&scaled, 1});
  const std::array terms = {scaled, sdk::add_tensor(edit, home, name + "_offset", offset)};
  edit.add_node(home, "Add", name, terms, {&output, 1});
}

}  // namespace halftone::passes
