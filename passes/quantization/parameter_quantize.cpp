#include <optional>
#include <string>

#include "quantization_points.h"

namespace halftone::passes {

class ParameterQuantize final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("parameter-quantize")
        .title("finds the scales of stored parameters")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT | HT_CAP_CALIBRATE)
        .after({HT_FACT_CONFIGS})
        .provides({HT_FACT_PARAMETERS_QUANTIZED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Every config in the initial state whose slot holds a stored tensor gets its scale from the tensor itself, "
            "by the "
            "observer that the platform names or the one given here. Parameters with a derived scale, that is biases "
            "and limits, "
            "wait for passive-parameter-quantize.\n"
            "\n"
            "PPQ counterpart: ParameterQuantizePass.");
    d.params.text("observer", "observer for all parameters; absent: the platform's choice");
  }
  explicit ParameterQuantize(const sdk::Args &args) {
    if (args.has("observer")) observer_ = args.text("observer");
  }

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    std::size_t quantized = 0, left = 0;
    const std::vector<ht_handle> configs = points.configs.all();
    for (std::size_t i = 0; i < configs.size(); ++i) {
      if (i % 16 == 0) ctx.poll(i, configs.size());
      const ht_config_info info = points.configs.info(configs[i]);
      if (info.state != HT_STATE_INITIAL || !points.is_parameter(info)) continue;
      (quantize(ctx, points, configs[i], info) ? quantized : left) += 1;
    }
    ctx.report("quantized", std::to_string(quantized) + " parameters");
    if (left > 0) ctx.report("left in float", std::to_string(left) + " parameters that are empty or not float32");
  }

 private:
  bool quantize(const sdk::Context &ctx, const QuantizationPoints &points, ht_handle config,
                const ht_config_info &info) const {
    const auto tensor = points.graph.initializer(points.value_of(info));
    if (!tensor || tensor->dtype != HT_F32 || sdk::count_of(*tensor) == 0) {
      points.configs.set_state(config, HT_STATE_FP32, "the parameter is empty or not float32");
      return false;
    }
    const ht_str name = sdk::view(observer_ ? std::string_view(*observer_) : std::string_view());
    const ht_str *observer = observer_ ? &name : nullptr;
    std::uint32_t wants = 0;
    sdk::check(ctx.host.calibration->wants(ctx.raw, config, observer, &wants));
    wants &= ~HT_WANT_GROUPS;  // one tensor has no groups of samples
    const auto axis = info.spec.granularity == HT_PER_TENSOR ? 0U : static_cast<std::uint32_t>(info.spec.axis);
    const ht_statistics *statistics = nullptr;
    const ht_status measured = ctx.host.calibration->measure(ctx.raw, &*tensor, wants, axis, &statistics);
    if (measured == HT_FAILED_PRECONDITION) {
      throw sdk::Failure(measured, "'" + std::string(points.graph.value(points.value_of(info)).name()) + "', " +
                                       points.describe(config) +
                                       ", holds values that are NaN or infinite; repair the model");
    }
    sdk::check(measured);
    sdk::check(ctx.host.calibration->render(ctx.raw, config, statistics, observer));
    return true;
  }

  std::optional<std::string> observer_;
};
HALFTONE_PASS(ParameterQuantize)

}  // namespace halftone::passes
