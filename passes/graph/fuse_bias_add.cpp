#include <string>

#include "halftone/pass.hpp"
#include "layer_parameters.h"
#include "node_walk.h"

namespace halftone::passes {
namespace {

// The constant's value for each output channel, when it adds the same to every element of a channel and does not widen
// the output: shapes such as [C,1,1], [1,C,1,1] and scalars after a convolution, [C] and [1,C] after Gemm.
std::optional<std::vector<double>> per_channel(const sdk::StoredTensor &constant, std::size_t output_rank,
                                               std::int64_t channels) {
  if (constant.shape.size() > output_rank) return std::nullopt;
  const std::size_t missing = output_rank - constant.shape.size();
  for (std::size_t axis = 0; axis < output_rank; ++axis) {
    const std::int64_t extent = axis < missing ? 1 : constant.shape[axis - missing];
    if (extent != 1 && !(axis == 1 && extent == channels)) return std::nullopt;
  }
  std::vector<double> values = constant.data;
  values.resize(static_cast<std::size_t>(channels), values.front());
  return values;
}

}  // namespace

class FuseBiasAdd final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("fuse-bias-add")
        .title("merges an Add of a constant into the bias of the layer before it")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "Exporters write the bias of a convolution as an Add now and then. As an Add it would be quantized as an "
            "activation of "
            "its own; as a bias it enters the accumulator at full precision. Conv, ConvTranspose and Gemm take a "
            "constant that "
            "adds the same to every element of a channel; an existing bias is added to, in double, and Gemm's beta is "
            "respected. MatMul has no bias slot and is left alone.\n"
            "\n"
            "PPQ counterpart: GraphMerger.fuse_bias_add, which skips layers that have a bias already.");
  }
  explicit FuseBiasAdd(const sdk::Args &) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::size_t fused = 0;
    walk_nodes(ctx, graph, [&](ht_handle node) {
      if (graph.node(node).is("Add") && fuse(graph, edit, node)) ++fused;
    });
    ctx.report("fused", std::to_string(fused) + " Add nodes into biases");
  }

 private:
  static bool fuse(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle add_handle) {
    const sdk::Node add = graph.node(add_handle);
    auto constant = sdk::read_tensor(graph, add.input(1));
    const std::uint32_t data_slot = constant ? 0 : 1;
    if (!constant) constant = sdk::read_tensor(graph, add.input(0));
    const ht_handle between = add.input(data_slot);
    if (!constant || constant->data.empty() || between == HT_NONE || !graph.sole_consumer(between)) return false;
    const ht_handle layer_handle = graph.value(between).info.producer;
    if (layer_handle == HT_NONE) return false;
    const sdk::Node layer = graph.node(layer_handle);
    if (!has_weight_and_bias(layer) || layer.graph() != add.graph()) return false;
    const auto weight = sdk::read_tensor(graph, layer.input(1));
    if (!weight || weight->shape.size() < 2) return false;
    const std::int64_t channels = output_channels(graph, layer, *weight);
    const auto added = per_channel(*constant, weight->shape.size(), channels);
    auto bias = read_bias(graph, layer, channels, weight->dtype);
    if (!added || !bias) return false;

    const double beta = bias_factor(graph, layer, *bias);
    for (std::size_t c = 0; c < bias->data.size(); ++c) bias->data[c] += (*added)[c] / beta;
    const std::string name(layer.name());
    set_bias_factor(graph, edit, layer_handle, beta);
    sdk::store_tensor(graph, edit, layer_handle, 2, name + "_bias", *bias);
    take_over_output(graph, edit, layer_handle, add_handle);
    return true;
  }
};
HALFTONE_PASS(FuseBiasAdd)

}  // namespace halftone::passes
