#include <string>

#include "halftone/pass.hpp"
#include "large_weights.h"

namespace halftone::passes {

class WeightSplit final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("weight-split")
        .title("splits layers with large weights into two whose outputs are added")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates({HT_FACT_CONFIGS, HT_FACT_FUSED, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED,
                      HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "horizontal-layer-split with the values of PPQ's setting `weight_split`: a threshold of 2, and all layers "
            "that have larger weights unless `layers` names some.\n"
            "\n"
            "PPQ counterpart: the setting weight_split, which fails when it is enabled without layers.");
    d.params.texts("layers", "names or patterns of the layers; all when empty", {})
        .number("value_threshold", "weights of a larger magnitude are split", 2, 0, 1e6)
        .choice("method", "how much of them goes into the second layer", "balance", {"balance", "random"})
        .integer("seed", "of `random`", 0, 0, 1LL << 62);
  }
  explicit WeightSplit(const sdk::Args &args) : names_(args.texts("layers")) {
    options_.threshold = args.number("value_threshold");
    options_.random = args.text("method") == "random";
    options_.seed = static_cast<std::uint64_t>(args.integer("seed"));
  }
  void run(const sdk::Context &ctx) override {
    ctx.report("split", std::to_string(split_large_weights(ctx, options_, names_)) + " layers");
  }

 private:
  LayerNames names_;
  LargeWeights options_;
};
HALFTONE_PASS(WeightSplit)

}  // namespace halftone::passes
