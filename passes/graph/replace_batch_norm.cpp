#include <string>

#include "halftone/pass.hpp"
#include "node_walk.h"
#include "norm_affine.h"

namespace halftone::passes {

class ReplaceBatchNorm final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("replace-batch-norm")
        .title("turns BatchNormalization into a depthwise convolution or into Mul and Add")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS})
        .doc(
            "For those that fold-batch-norm cannot fold, because no layer stands before them or others read it: run it "
            "behind that pass, with `standalone: false` there when the form matters. `as: conv` writes a depthwise "
            "convolution of kernel 1 with as many axes as the input has; of two axes there is no "
            "convolution, and Mul and Add are written. `as: scale` always writes these. The arithmetic is done in "
            "double and "
            "rounded once. Nodes in training form, with constants that are computed in the graph, or of unknown rank "
            "stay.\n"
            "\n"
            "PPQ counterparts: GraphMerger.replace_batchnorm_to_conv (two dimensions whatever the tensor has) and "
            "replace_batchnorm_to_scale.");
    d.params.choice("as", "what is written", "conv", {"conv", "scale"});
  }
  explicit ReplaceBatchNorm(const sdk::Args &args) : conv_(args.text("as") == "conv") {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::size_t convolutions = 0, scales = 0, left = 0;
    walk_nodes(ctx, graph, [&](ht_handle handle) {
      const sdk::Node node = graph.node(handle);
      if (!node.is("BatchNormalization")) return;
      const std::size_t rank = is_inference_norm(graph, node) ? norm_rank(graph, node) : 0;
      const auto affine = rank > 1 ? read_norm_affine(graph, node) : std::nullopt;
      if (!affine) {
        ++left;
      } else if (conv_ && rank >= 3) {
        put_depthwise_conv(graph, edit, handle, *affine, rank);
        ++convolutions;
      } else {
        put_mul_add(graph, edit, handle, *affine, rank);
        ++scales;
      }
    });
    if (conv_) ctx.report("convolutions", std::to_string(convolutions));
    if (!conv_ || scales > 0) ctx.report("scales", std::to_string(scales) + " pairs of Mul and Add");
    if (left > 0) ctx.report("left", std::to_string(left) + " nodes (training form, constants or rank not known)");
  }

 private:
  bool conv_;
};
HALFTONE_PASS(ReplaceBatchNorm)

}  // namespace halftone::passes
