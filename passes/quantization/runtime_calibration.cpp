#include <string>

#include "activation_calibration.h"

namespace halftone::passes {

class RuntimeCalibration final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("runtime-calibration")
        .title("finds the scales of activations from calibration data")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT | HT_CAP_CALIBRATE)
        .after({HT_FACT_CONFIGS})
        .provides({HT_FACT_ACTIVATIONS_CALIBRATED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Statistics of every value that has a quantization point of its own are gathered in one pass over the "
            "calibration data, "
            "each value once. Then the observers turn them into ranges, tensor by tensor. Observers that need more, "
            "such as isotone, go over the data again. Points that are fused away or borrow "
            "their scale need no statistics, and neither do those whose range is taken at run time. A value of which "
            "no sample produced an element stays in float.\n"
            "\n"
            "By default the data runs through the float model. PPQ calibrates with quantized weights; `calibrate_on: "
            "quantized_weights` does so too, which moves scales by 0.03 to 0.5 % on a small residual network. `group` "
            "forms groups "
            "of consecutive samples for observers that average over groups (percentile).\n"
            "\n"
            "PPQ counterpart: RuntimeCalibrationPass.");
    ObserverChoice::declare(d.params, "observer for all activations; absent: the platform's choice");
    d.params.flag("override", "find scales anew that were found before", false)
        .integer("group", "samples in a group; 0: no groups", 0, 0, 1 << 20, "samples")
        .choice("calibrate_on", "what the data runs through", "float_weights", {"float_weights", "quantized_weights"})
        .advanced();
  }
  explicit RuntimeCalibration(const sdk::Args &args) : observer_(args), override_(args.flag("override")) {
    options_.group = static_cast<std::uint64_t>(args.integer("group"));
    options_.quantized_weights = args.text("calibrate_on") == "quantized_weights";
  }

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    std::size_t at_run_time = 0;
    const std::vector<ht_handle> targets = find_targets(points, at_run_time);
    const std::size_t never_seen = calibrate_activations(ctx, points, targets, observer_, options_);
    ctx.report("calibrated", std::to_string(targets.size() - never_seen) + " activations");
    if (at_run_time > 0)
      ctx.report("dynamic", std::to_string(at_run_time) + " activations take their range at run time");
    if (never_seen > 0) {
      ctx.report("left in float", std::to_string(never_seen) + " activations that no calibration sample produced");
    }
  }

 private:
  std::vector<ht_handle> find_targets(const QuantizationPoints &points, std::size_t &at_run_time) const {
    std::vector<ht_handle> targets;
    for (const ht_handle config : points.configs.all()) {
      const ht_config_info info = points.configs.info(config);
      const bool reopened = override_ && info.state == HT_STATE_ACTIVATED;
      if (info.state != HT_STATE_INITIAL && !reopened) continue;
      if (data_value(points, info) == HT_NONE) continue;
      if (info.spec.dynamic != 0) {
        points.configs.set_state(config, HT_STATE_ACTIVATED, "its range is taken at run time");
        ++at_run_time;
        continue;
      }
      if (reopened) points.configs.set_state(config, HT_STATE_INITIAL, "calibrated anew");
      targets.push_back(config);
    }
    return targets;
  }

  ObserverChoice observer_;
  bool override_;
  CalibrationOptions options_;
};
HALFTONE_PASS(RuntimeCalibration)

}  // namespace halftone::passes
