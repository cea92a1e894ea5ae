#include <cmath>
#include <string>

#include "halftone/pass.hpp"
#include "layer_parameters.h"
#include "node_walk.h"

namespace halftone::passes {
namespace {

// BatchNormalization at inference: y = factor * x + offset, per channel.
struct Affine {
  std::vector<double> factor, offset;
  ht_dtype dtype = HT_F32;
};

bool is_inference_form(const sdk::Graph &graph, const sdk::Node &node) {
  if (!node.is("BatchNormalization") || graph.attribute_int(node.handle, "training_mode", 0) != 0) return false;
  for (std::size_t i = 1; i < node.outputs().size(); ++i) {
    if (node.outputs()[i] != HT_NONE) return false;
  }
  return node.inputs().size() == 5 && node.output(0) != HT_NONE;
}

std::optional<Affine> read_affine(const sdk::Graph &graph, const sdk::Node &node) {
  const auto gamma = read_parameter(graph, node.input(1)), beta = read_parameter(graph, node.input(2));
  const auto mean = read_parameter(graph, node.input(3)), variance = read_parameter(graph, node.input(4));
  if (!gamma || !beta || !mean || !variance) return std::nullopt;
  const std::size_t channels = gamma->data.size();
  if (beta->data.size() != channels || mean->data.size() != channels || variance->data.size() != channels) {
    return std::nullopt;
  }
  const double epsilon = graph.attribute_float(node.handle, "epsilon", 1e-5);
  Affine affine;
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

bool groups_fit(const sdk::Graph &graph, const sdk::Node &layer, const Parameter &weight) {
  const std::int64_t groups = graph.attribute_int(layer.handle, "group", 1);
  return groups >= 1 && (!layer.is("ConvTranspose") || weight.extent(0) % groups == 0);
}

// Multiplies the weights of each output channel by its factor.
void scale_weight(const sdk::Graph &graph, const sdk::Node &node, const std::vector<double> &factor,
                  Parameter &weight) {
  const auto count = static_cast<std::int64_t>(weight.data.size());
  if (node.is("ConvTranspose")) {
    // [C_in, C_out / groups, ...]: the channels of a group follow those of the groups before it.
    const std::int64_t groups = graph.attribute_int(node.handle, "group", 1);
    const std::int64_t per_group = weight.extent(1), inputs_per_group = weight.extent(0) / groups;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t group = i / weight.stride(0) / inputs_per_group;
      const std::int64_t channel = group * per_group + i / weight.stride(1) % per_group;
      weight.data[static_cast<std::size_t>(i)] *= factor[static_cast<std::size_t>(channel)];
    }
    return;
  }
  const bool columns = node.is("Gemm") && graph.attribute_int(node.handle, "transB", 0) == 0;
  const std::size_t axis = columns ? 1 : 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t channel = i / weight.stride(axis) % weight.extent(axis);
    weight.data[static_cast<std::size_t>(i)] *= factor[static_cast<std::size_t>(channel)];
  }
}

}  // namespace

class FoldBatchNorm final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fold-batch-norm")
        .title("merges BatchNormalization into the layer before it")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .provides({HT_FACT_BATCH_NORM_FOLDED})
        .invalidates({HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "At inference BatchNormalization multiplies each channel by a constant and adds another. After Conv, "
            "ConvTranspose "
            "(groups included) and Gemm (transB, alpha and beta included) both go into the layer's weight and bias, so "
            "that "
            "the quantizer sees the weights that the device will use. The layer must feed nothing else and all "
            "constants must "
            "be stored in the model; a weight that several layers share is copied first. The arithmetic is done in "
            "double and "
            "rounded once.\n"
            "\n"
            "A BatchNormalization that follows no such layer becomes a depthwise 1x1 convolution of its input's rank "
            "(`standalone`), which every integer device can run.\n"
            "\n"
            "PPQ counterparts: GraphMerger.fuse_bn and replace_batchnorm_to_conv (two dimensions only). Method: B. "
            "Jacob et al., "
            "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018, "
            "section 3.2.");
    d.params.flag("standalone", "turn those that follow no layer into depthwise convolutions", true);
  }
  explicit FoldBatchNorm(const sdk::Args &args) : standalone_(args.flag("standalone")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::size_t folded = 0, converted = 0, left = 0;
    walk_nodes(ctx, graph, [&](ht_handle node) {
      if (!graph.node(node).is("BatchNormalization")) return;
      if (fold(graph, edit, node)) {
        ++folded;
      } else if (standalone_ && convert(graph, edit, node)) {
        ++converted;
      } else {
        ++left;
      }
    });
    ctx.report("folded", std::to_string(folded) + " BatchNormalization nodes");
    if (converted > 0) ctx.report("converted", std::to_string(converted) + " to depthwise convolutions");
    if (left > 0) ctx.report("left", std::to_string(left) + " BatchNormalization nodes (constants or rank not known)");
  }

 private:
  static bool fold(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle norm) {
    const sdk::Node node = graph.node(norm);
    const ht_handle between = node.input(0);
    if (!is_inference_form(graph, node) || between == HT_NONE) return false;
    const ht_handle layer_handle = graph.value(between).info.producer;
    const auto use = graph.sole_consumer(between);
    if (layer_handle == HT_NONE || !use || use->slot != 0) return false;
    const sdk::Node layer = graph.node(layer_handle);
    if (!has_weight_and_bias(layer) || layer.graph() != node.graph()) return false;
    const auto affine = read_affine(graph, node);
    auto weight = read_parameter(graph, layer.input(1));
    if (!affine || !weight || weight->shape.size() < 2) return false;
    const std::int64_t channels = output_channels(graph, layer, *weight);
    if (channels != static_cast<std::int64_t>(affine->factor.size()) || !groups_fit(graph, layer, *weight))
      return false;
    auto bias = read_bias(graph, layer, channels, weight->dtype);
    if (!bias) return false;

    scale_weight(graph, layer, affine->factor, *weight);
    const double beta = bias_factor(graph, layer, *bias);
    for (std::size_t c = 0; c < bias->data.size(); ++c) {
      bias->data[c] = bias->data[c] * affine->factor[c] + affine->offset[c] / beta;
    }
    const std::string name(layer.name());
    set_bias_factor(graph, edit, layer_handle, beta);
    write_parameter(graph, edit, layer_handle, 1, name + "_weight", *weight);
    write_parameter(graph, edit, layer_handle, 2, name + "_bias", *bias);
    take_over_output(graph, edit, layer_handle, norm);
    return true;
  }

  static bool convert(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle norm) {
    const sdk::Node node = graph.node(norm);
    if (!is_inference_form(graph, node) || node.input(0) == HT_NONE) return false;
    const auto affine = read_affine(graph, node);
    ht_tensor_info type = graph.value(node.input(0)).info.type;
    if (type.known_rank == 0) type = graph.value(node.output(0)).info.type;
    if (!affine || type.known_rank == 0 || type.rank < 3) return false;
    const auto channels = static_cast<std::int64_t>(affine->factor.size());
    std::vector<std::int64_t> shape(type.rank, 1);
    shape[0] = channels;
    const Parameter weight{affine->dtype, shape, affine->factor}, bias{affine->dtype, {channels}, affine->offset};

    const std::string name(node.name());
    const ht_handle home = node.graph(), input = node.input(0), output = node.output(0);
    const ht_handle inputs[] = {input, add_parameter(edit, home, name + "_weight", weight),
                                add_parameter(edit, home, name + "_bias", bias)};
    edit.remove_node(norm);
    const ht_handle conv = edit.add_node(home, "Conv", name, inputs, {&output, 1});
    const std::vector<std::int64_t> ones(type.rank - 2, 1);
    edit.set_ints(conv, "kernel_shape", ones);
    edit.set_int(conv, "group", channels);
    return true;
  }

  bool standalone_;
};
HALFTONE_PASS(FoldBatchNorm)

}  // namespace halftone::passes
