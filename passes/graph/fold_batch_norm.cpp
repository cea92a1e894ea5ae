#include <algorithm>
#include <cmath>
#include <string>

#include "halftone/channel_normal.hpp"
#include "halftone/folded_norm.hpp"
#include "halftone/pass.hpp"
#include "layer_parameters.h"
#include "node_walk.h"
#include "norm_affine.h"

namespace halftone::passes {
namespace {

// Multiplies the weights of each output channel by its factor.
void scale_weight(const sdk::WeightChannels &channels, const std::vector<double> &factor, sdk::StoredTensor &weight) {
  for (std::size_t i = 0; i < weight.data.size(); ++i) weight.data[i] *= factor[channels.of(i)];
}

std::vector<float> floats_of(const sdk::StoredTensor &tensor) {
  std::vector<float> out(tensor.data.size());
  std::transform(tensor.data.begin(), tensor.data.end(), out.begin(), [](double x) { return static_cast<float>(x); });
  return out;
}

// What training needs to take the normalization up again.
sdk::FoldedNorm unfolded(const sdk::Graph &graph, const sdk::Node &norm, const sdk::StoredTensor &weight) {
  const auto floats = [&](std::uint32_t slot) { return floats_of(*sdk::read_tensor(graph, norm.input(slot))); };
  sdk::FoldedNorm folded;
  folded.gamma = floats(1);
  folded.beta = floats(2);
  folded.mean = floats(3);
  folded.variance = floats(4);
  folded.epsilon = static_cast<float>(graph.attribute_float(norm.handle, "epsilon", 1e-5));
  folded.momentum = static_cast<float>(graph.attribute_float(norm.handle, "momentum", 0.9));
  folded.weight = floats_of(weight);
  return folded;
}

// What training left of each channel: mean beta, deviation |gamma|.
sdk::ChannelNormal trained_normal(const sdk::Graph &graph, const sdk::Node &norm) {
  sdk::ChannelNormal normal{sdk::read_tensor(graph, norm.input(2))->data, sdk::read_tensor(graph, norm.input(1))->data};
  for (double &deviation : normal.deviation) deviation = std::abs(deviation);
  return normal;
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
            "The mean and deviation of each channel that the normalization stands for (beta and |gamma|) stay with the "
            "model as a note until the run ends: bias-correction reads it (`mode: batch-norm`). So do its parameters "
            "and "
            "statistics, as long as the layer's weight and bias stay what they are: passes that train take the "
            "normalization "
            "up again.\n"
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
    if (!is_inference_norm(graph, node) || between == HT_NONE) return false;
    const ht_handle layer_handle = graph.value(between).info.producer;
    const auto use = graph.sole_consumer(between);
    if (layer_handle == HT_NONE || !use || use->slot != 0) return false;
    const sdk::Node layer = graph.node(layer_handle);
    if (!has_weight_and_bias(layer) || layer.graph() != node.graph()) return false;
    const auto affine = read_norm_affine(graph, node);
    auto weight = sdk::read_tensor(graph, layer.input(1));
    if (!affine || !weight || weight->shape.size() < 2) return false;
    const auto channels = sdk::weight_channels(graph, layer, weight->shape);
    if (!channels || channels->count() != affine->factor.size()) return false;
    auto bias = read_bias(graph, layer, static_cast<std::int64_t>(channels->count()), weight->dtype);
    if (!bias) return false;

    const sdk::FoldedNorm folded = unfolded(graph, node, *weight);
    scale_weight(*channels, affine->factor, *weight);
    const double beta = bias_factor(graph, layer, *bias);
    for (std::size_t c = 0; c < bias->data.size(); ++c) {
      bias->data[c] = bias->data[c] * affine->factor[c] + affine->offset[c] / beta;
    }
    const std::string name(layer.name());
    set_bias_factor(graph, edit, layer_handle, beta);
    sdk::store_tensor(graph, edit, layer_handle, 1, name + "_weight", *weight);
    sdk::store_tensor(graph, edit, layer_handle, 2, name + "_bias", *bias);
    const sdk::ChannelNormal normal = trained_normal(graph, graph.node(norm));
    take_over_output(graph, edit, layer_handle, norm);
    note_normal(graph, edit, graph.node(layer_handle).output(0), normal);
    note_fold(graph, edit, layer_handle, folded);
    return true;
  }

  static bool convert(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle norm) {
    const sdk::Node node = graph.node(norm);
    if (!is_inference_norm(graph, node) || node.input(0) == HT_NONE) return false;
    const auto affine = read_norm_affine(graph, node);
    const std::size_t rank = norm_rank(graph, node);
    if (!affine || rank < 3) return false;
    note_normal(graph, edit, node.output(0), trained_normal(graph, node));
    put_depthwise_conv(graph, edit, norm, *affine, rank);
    return true;
  }

  bool standalone_;
};
HALFTONE_PASS(FoldBatchNorm)

}  // namespace halftone::passes
