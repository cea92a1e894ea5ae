#include <algorithm>
#include <string>

#include "activation_calibration.h"

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
    ObserverChoice::declare(d.params, "observer for all parameters; absent: the platform's choice");
  }
  explicit ParameterQuantize(const sdk::Args &args) : observer_(args) {}

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    std::vector<ht_handle> parameters;
    std::size_t left = 0;
    for (const ht_handle config : points.configs.all()) {
      const ht_config_info info = points.configs.info(config);
      if (info.state != HT_STATE_INITIAL || !points.is_parameter(info)) continue;
      if (has_range(points, info)) {
        parameters.push_back(config);
      } else {
        points.configs.set_state(config, HT_STATE_FP32, "the parameter is empty or not float32");
        ++left;
      }
    }
    render(ctx, parameters);
    ctx.report("quantized", std::to_string(parameters.size()) + " parameters");
    if (left > 0) ctx.report("left in float", std::to_string(left) + " parameters that are empty or not float32");
  }

 private:
  static bool has_range(const QuantizationPoints &points, const ht_config_info &info) {
    const ht_tensor_info type = points.graph.value(points.value_of(info)).info.type;
    return type.dtype == HT_F32 && std::find(type.shape, type.shape + type.rank, 0) == type.shape + type.rank;
  }

  void render(const sdk::Context &ctx, const std::vector<ht_handle> &configs) const {
    const ht_str *name = observer_.prepare(sdk::Configs(ctx), configs);
    std::vector<std::uint32_t> rendered(configs.size());
    sdk::check(ctx.host.calibration->render_all(ctx.raw, configs.data(), configs.size(), name, rendered.data()));
  }

  ObserverChoice observer_;
};
HALFTONE_PASS(ParameterQuantize)

}  // namespace halftone::passes
