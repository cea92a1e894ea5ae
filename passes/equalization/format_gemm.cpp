#include <string>

#include "halftone/pass.hpp"
#include "weighted_layer.h"

namespace halftone::passes {
namespace {

StoredTensor transposed(const StoredTensor &w) {
  StoredTensor out{w.dtype, {w.shape[1], w.shape[0]}, std::vector<double>(w.data.size())};
  const auto rows = static_cast<std::size_t>(w.shape[0]), columns = static_cast<std::size_t>(w.shape[1]);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) out.data[c * rows + r] = w.data[r * columns + c];
  }
  return out;
}

}  // namespace

class FormatGemm final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("format-gemm")
        .title("writes Gemm with transB = 1 and alpha = beta = 1")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "Some devices, such as those of NCNN, know a fully connected layer only as y = W x + b with the output "
            "channels first in W. Stored weights are transposed and take alpha, stored biases take beta; a bias that "
            "is multiplied by 0 goes. Gemm whose factors meet computed values is left and counted.\n"
            "\n"
            "PPQ counterpart: NCNNFormatGemmPass.");
  }
  explicit FormatGemm(const sdk::Args &) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    const std::vector<ht_handle> nodes = graph.nodes();
    std::size_t changed = 0, left = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i % 32 == 0) ctx.poll(i, nodes.size());
      if (!graph.node(nodes[i]).is("Gemm") || has_form(graph, nodes[i])) continue;
      format(graph, edit, nodes[i]) ? ++changed : ++left;
    }
    ctx.report("written", std::to_string(changed) + " Gemm");
    if (left > 0) ctx.report("left", std::to_string(left) + " Gemm without a stored weight or bias");
  }

 private:
  static bool has_form(const sdk::Graph &graph, ht_handle node) {
    return graph.attribute_int(node, "transB", 0) != 0 && graph.attribute_float(node, "alpha", 1) == 1 &&
           (graph.attribute_float(node, "beta", 1) == 1 || graph.node(node).input(2) == HT_NONE);
  }

  static bool format(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node) {
    auto layer = read_layer(graph, node);
    const double alpha = graph.attribute_float(node, "alpha", 1);
    if (!layer || (layer->bias_is_computed && layer->bias_factor != 1 && layer->bias_factor != 0)) return false;
    if (!layer->outputs_lead) layer->weight = transposed(layer->weight);
    for (double &w : layer->weight.data) w *= alpha;
    if (layer->bias) {
      for (double &b : layer->bias->data) b *= layer->bias_factor;
    }
    if (layer->bias_factor == 0) layer->bias.reset();
    store_layer(graph, edit, *layer);
    if (layer->bias_factor == 0 && graph.node(node).inputs().size() > 2) edit.resize_inputs(node, 2);
    edit.set_int(node, "transB", 1);
    edit.set_float(node, "alpha", 1);
    edit.set_float(node, "beta", 1);
    return true;
  }
};
HALFTONE_PASS(FormatGemm)

}  // namespace halftone::passes
