#include <string>

#include "halftone/pass.hpp"
#include "large_weights.h"

namespace halftone::passes {

class HorizontalLayerSplit final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("horizontal-layer-split")
        .title("splits named layers with large weights into two whose outputs are added")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS, HT_FACT_FUSED, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED,
                      HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "W becomes R + S, where S has a half (`balance`) or a random part (`random`) of every weight larger than "
            "`value_threshold` and zeros elsewhere: y = R x + b becomes one layer and S x another, and Add joins them. "
            "Both have a smaller range than W, at the price of a second layer. Conv, ConvTranspose, Gemm and MatMul "
            "with a stored weight. The float model computes the same.\n"
            "\n"
            "Random parts come from a counter and `seed`: the same model gives the same result everywhere.\n"
            "\n"
            "PPQ counterpart: HorizontalLayerSplitPass.");
    d.params.texts("layers", "names or patterns of the layers", {})
        .required()
        .number("value_threshold", "weights of a larger magnitude are split", 1, 0, 1e6)
        .choice("method", "how much of them goes into the second layer", "balance", {"balance", "random"})
        .integer("seed", "of `random`", 0, 0, 1LL << 62);
  }
  explicit HorizontalLayerSplit(const sdk::Args &args) : names_(args.texts("layers")) {
    options_.threshold = args.number("value_threshold");
    options_.random = args.text("method") == "random";
    options_.seed = static_cast<std::uint64_t>(args.integer("seed"));
    if (names_.empty()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "`layers` is empty; name the layers to split, or use weight-split for all");
    }
  }
  void run(const sdk::Context &ctx) override {
    ctx.report("split", std::to_string(split_large_weights(ctx, options_, names_)) + " layers");
  }

 private:
  LayerNames names_;
  LargeWeights options_;
};
HALFTONE_PASS(HorizontalLayerSplit)

}  // namespace halftone::passes
