#include <string>

#include "activation_calibration.h"

namespace halftone::passes {

class ReCalibration final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("re-calibration")
        .title("finds the scales of activations again after weights have changed")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT | HT_CAP_CALIBRATE)
        .after({HT_FACT_CONFIGS, HT_FACT_ACTIVATIONS_CALIBRATED})
        .provides({HT_FACT_ACTIVATIONS_CALIBRATED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Corrections of biases and weights move what the layers after them see. This goes over the data once more, "
            "by default with the weights as they will be stored, and derives every scale of an activation anew, with "
            "the observer that found it or another. Points that are fused away or borrow their scale follow; scales "
            "that quant-alignment gave to several points at once are found one by one, so that pass belongs after "
            "this one again where the platform wants alignment.\n"
            "\n"
            "PPQ counterpart: runtime calibration with `override` at the end of the pipeline. PPQ's re-calibration for "
            "TI's DSPs notes ranges of channels for that exporter and leaves the scales.");
    ObserverChoice::declare(d.params, "observer for all activations; absent: that of each config");
    d.params.integer("group", "samples in a group; 0: no groups", 0, 0, 1 << 20, "samples")
        .choice("calibrate_on", "what the data runs through", "quantized_weights",
                {"float_weights", "quantized_weights"});
  }
  explicit ReCalibration(const sdk::Args &args) : observer_(args) {
    options_.group = static_cast<std::uint64_t>(args.integer("group"));
    options_.quantized_weights = args.text("calibrate_on") == "quantized_weights";
  }

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    std::vector<ht_handle> targets;
    for (const ht_handle config : points.configs.all()) {
      const ht_config_info info = points.configs.info(config);
      if (info.state != HT_STATE_ACTIVATED || info.spec.dynamic != 0 || data_value(points, info) == HT_NONE) continue;
      points.configs.set_state(config, HT_STATE_INITIAL, "calibrated again");
      targets.push_back(config);
    }
    const std::size_t never_seen = calibrate_activations(ctx, points, targets, observer_, options_);
    ctx.report("calibrated", std::to_string(targets.size() - never_seen) + " activations");
  }

 private:
  ObserverChoice observer_;
  CalibrationOptions options_;
};
HALFTONE_PASS(ReCalibration)

}  // namespace halftone::passes
