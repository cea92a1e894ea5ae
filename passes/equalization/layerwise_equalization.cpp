#include <algorithm>
#include <string>

#include "activation_peaks.h"
#include "halftone/pass.hpp"
#include "layer_names.h"
#include "range_balance.h"

namespace halftone::passes {

class LayerwiseEqualization final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("layerwise-equalization")
        .title("evens out the ranges of weights from layer to layer, channel by channel")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CALIBRATE | HT_CAP_EXECUTE)
        .invalidates(
            {HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED, HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "A channel between two layers may be multiplied by any positive number where it is made and divided by it "
            "where it is read: Relu, LeakyRelu, pooling, reshaping and the like pass the factor on. The factor is "
            "sqrt(d / u), where u is the range of the weights that make the channel and d that of the weights that "
            "read it, so that both become equal; then one scale fits all channels of a weight better. Conv and "
            "ConvTranspose (grouped and depthwise too), Gemm, and MatMul with a stored weight take part. At level 2 "
            "residual sums and concatenations are followed: all layers whose outputs meet are scaled alike. A channel "
            "that is an output of the model, or that anything else reads, keeps its scale. The float model computes "
            "the same, up to rounding.\n"
            "\n"
            "Needs calibration data only with `include_activations`.\n"
            "\n"
            "Method: M. Nagel et al., Data-Free Quantization through Weight Equalization and Bias Correction, ICCV "
            "2019, section 4.1. PPQ counterpart: LayerwiseEqualizationPass.");
    d.params.integer("iterations", "rounds over all layers", 10, 1, 1000)
        .integer("level", "1: chains of layers; 2: through residual sums and concatenations too", 2, 1, 2)
        .number("value_threshold", "channels whose two ranges sum to less keep their scale", 0.5, 0, 1e6)
        .flag("include_weights", "ranges of the weights that make a channel count", true)
        .number("weight_multiplier", "of all ranges of weights", 1, 1e-6, 1e6)
        .flag("include_biases", "ranges of biases count among those that make a channel", false)
        .number("bias_multiplier", "of ranges of biases", 0.5, 0, 1e6)
        .flag("include_activations", "ranges of the layers' outputs count; needs calibration data", false)
        .number("activation_multiplier", "of ranges of outputs", 0.5, 0, 1e6)
        .number("least_factor", "the smallest factor of one round", 0.1, 1e-6, 1)
        .number("most_factor", "the largest factor of one round", 10, 1, 1e6)
        .number("tolerance", "ends early when no factor of a round is further from 1 than this part", 1e-4, 0, 1)
        .texts("layers", "names or patterns of layers; channels that none of them makes keep their scale", {});
  }
  explicit LayerwiseEqualization(const sdk::Args &args)
      : sums_(args.integer("level") == 2),
        activations_(args.flag("include_activations")),
        names_(args.texts("layers")) {
    options_.rounds = args.integer("iterations");
    options_.least_range = args.number("value_threshold");
    options_.weights = args.flag("include_weights");
    options_.biases = args.flag("include_biases");
    options_.weight_multiplier = args.number("weight_multiplier");
    options_.bias_multiplier = args.number("bias_multiplier");
    options_.activation_multiplier = args.number("activation_multiplier");
    options_.least_factor = args.number("least_factor");
    options_.most_factor = args.number("most_factor");
    options_.tolerance = args.number("tolerance");
    if (!options_.weights && !options_.biases && !activations_) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "nothing is left to equalize: include_weights, include_biases and include_activations are all "
                         "false; set one of them to true");
    }
  }

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    names_.require_matches(graph);
    ClassOptions follow;
    follow.sums = sums_;
    ChannelClasses classes(ctx, graph, follow);
    BalanceOptions options = options_;
    options.selects = [&](const ChannelSite &site) {
      return std::any_of(site.upstream.begin(), site.upstream.end(),
                         [&](std::size_t i) { return names_.selects(classes.layers[i].layer.name); });
    };
    if (activations_) options.activation_peaks = activation_peaks(ctx, graph, classes, Activation::kMade);
    const Balance balance = balance_ranges(ctx, classes, options);
    classes.store(graph, edit, balance.total);
    ctx.report("equalized", std::to_string(balance.channels) + " channels at " + std::to_string(balance.sites) +
                                " places, " + std::to_string(balance.rounds) + " rounds");
  }

 private:
  bool sums_, activations_;
  LayerNames names_;
  BalanceOptions options_;
};
HALFTONE_PASS(LayerwiseEqualization)

}  // namespace halftone::passes
