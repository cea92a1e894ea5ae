#include <algorithm>
#include <string>

#include "activation_calibration.h"

namespace halftone::passes {

class IsotoneCalibration final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("isotone-calibration")
        .title("finds scales that keep the winner of a classification")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT | HT_CAP_CALIBRATE)
        .after({HT_FACT_CONFIGS})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "The outputs of quantized Softmax operators, or the values that are named, get their scales from the "
            "observer `isotone`: what counts is that the largest value along `axis` stays the largest. Scales that "
            "were found before are found anew; before runtime-calibration it decides in its place. A value is "
            "calibrated where it has a quantization point of its own, be it at its producer or at a reader.\n"
            "\n"
            "PPQ counterpart: IsotoneCalibrationPass.");
    d.params.texts("variables", "names of the values; none: outputs of quantized Softmax operators", {})
        .integer("axis", "along which values compete; negative: counted from the last", -1, -16, 15);
  }
  explicit IsotoneCalibration(const sdk::Args &args)
      : names_(args.texts("variables")), axis_(std::to_string(args.integer("axis"))) {}

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    std::vector<ht_handle> values = names_.empty() ? softmax_outputs(points) : named_values(points);
    std::vector<ht_handle> targets;
    for (const ht_handle config : points.configs.all()) {
      const ht_config_info info = points.configs.info(config);
      if (info.state != HT_STATE_INITIAL && info.state != HT_STATE_ACTIVATED) continue;
      const ht_handle value = data_value(points, info);
      const auto at = std::find(values.begin(), values.end(), value);
      if (value == HT_NONE || at == values.end() || info.spec.dynamic != 0) continue;
      if (info.state == HT_STATE_ACTIVATED) points.configs.set_state(config, HT_STATE_INITIAL, "calibrated anew");
      set_isotone(points, config);
      targets.push_back(config);
      seen_.push_back(value);
    }
    require_all(points, values);
    const std::size_t never_seen = calibrate_activations(ctx, points, targets, ObserverChoice(), {});
    ctx.report("calibrated", std::to_string(targets.size() - never_seen) + " activations");
  }

 private:
  static std::vector<ht_handle> softmax_outputs(const QuantizationPoints &points) {
    std::vector<ht_handle> values;
    for (const ht_handle node : points.graph.nodes()) {
      if (points.graph.node(node).is("Softmax")) values.push_back(points.graph.node(node).output(0));
    }
    return values;
  }

  std::vector<ht_handle> named_values(const QuantizationPoints &points) const {
    std::vector<ht_handle> values;
    for (const std::string &name : names_) values.push_back(value_named(points, name));
    return values;
  }

  static ht_handle value_named(const QuantizationPoints &points, const std::string &name) {
    for (const ht_handle value : points.graph.inputs(points.graph.main())) {
      if (points.graph.value(value).name() == name) return value;
    }
    for (const ht_handle node : points.graph.nodes()) {
      for (const ht_handle value : points.graph.node(node).outputs()) {
        if (value != HT_NONE && points.graph.value(value).name() == name) return value;
      }
    }
    throw sdk::Failure(HT_INVALID_ARGUMENT, "the model has no value '" + name +
                                                "'; `halftone inspect MODEL --nodes` lists what its nodes give");
  }

  void set_isotone(const QuantizationPoints &points, ht_handle config) const {
    const ht_str axis = sdk::view(std::string_view(axis_));
    const ht_field field = {sdk::view(std::string_view("axis")), {HT_VALUE_STR, 1, &axis, {0, 0}}};
    points.configs.set_observer(config, "isotone", {&field, 1});
  }

  // What the user names must be there to calibrate.
  void require_all(const QuantizationPoints &points, const std::vector<ht_handle> &values) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (std::find(seen_.begin(), seen_.end(), values[i]) != seen_.end()) continue;
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "value '" + std::string(points.graph.value(values[i]).name()) +
                             "' has no scale of its own to find: it stays in float, or another point covers it");
    }
  }

  std::vector<std::string> names_;
  std::string axis_;
  std::vector<ht_handle> seen_;
};
HALFTONE_PASS(IsotoneCalibration)

}  // namespace halftone::passes
