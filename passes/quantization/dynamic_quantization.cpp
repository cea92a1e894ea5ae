#include <algorithm>
#include <string>

#include "fused_weights.h"
#include "platform_options.h"
#include "quantization_points.h"

namespace halftone::passes {

class DynamicQuantization final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("dynamic-quantization")
        .title("takes the ranges of activations at run time")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT)
        .needs({HT_TARGET_1})
        .after({HT_FACT_CONFIGS})
        .provides({HT_FACT_ACTIVATIONS_CALIBRATED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Data inputs of weighted operators are quantized with the range of the tensor at hand, so that no "
            "calibration data are needed; all other activations, and biases, stay in float. It takes the place of "
            "runtime-calibration. `type: uint8` is what DynamicQuantizeLinear of ONNX computes; `platform` keeps the "
            "platform's own type. An operator that a fusion puts in the place of others counts as weighted where it "
            "reads a weight of theirs, with all its data inputs. Ranges are of the whole tensor of one sample, or of a "
            "batch where a runtime runs batches. A platform whose activations are dynamic anyhow says so itself, with "
            "`dynamic: true` in its type.\n"
            "\n"
            "Source: ONNX operator DynamicQuantizeLinear. PPQ counterpart: the policy DYNAMIC.");
    d.params.choice("type", "what the activations become", "uint8", {"uint8", "platform"});
  }
  explicit DynamicQuantization(const sdk::Args &args) : uint8_(args.text("type") == "uint8") {}

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    const sdk::Target target(ctx);
    std::size_t dynamic = 0, in_float = 0;
    const std::vector<ht_handle> all = points.configs.all();
    for (const ht_handle config : all) {
      ht_config_info info = points.configs.info(config);
      const bool parameter = points.is_parameter(info);
      const bool baked = info.state == HT_STATE_BAKED || info.state == HT_STATE_PASSIVE_BAKED;
      if (parameter || baked || info.state == HT_STATE_FP32) continue;
      if (info.root != config || info.master != HT_NONE) points.configs.release(config);
      const ht_node_rule rule = platform_rule(ctx, info.node);
      const bool data = info.direction == HT_SLOT_INPUT && info.slot < rule.input_count &&
                        rule.inputs[info.slot].role == HT_SLOT_ACTIVATION;
      const bool takes = data && (rule.computing != 0 || stands_for_weighted(target, points.graph.node(info.node)));
      if (!takes) {
        to_float(points, config);
        ++in_float;
        continue;
      }
      points.configs.set_spec(config, dynamic_spec(info.spec));
      points.configs.set_state(config, HT_STATE_ACTIVATED, "its range is taken at run time");
      ++dynamic;
    }
    ctx.report("dynamic", std::to_string(dynamic) + " inputs of weighted operators");
    ctx.report("left in float", std::to_string(in_float) + " other activations");
  }

 private:
  static void to_float(const QuantizationPoints &points, ht_handle config) {
    points.configs.set_state(config, HT_STATE_FP32, "only inputs of weighted operators are quantized at run time");
  }

  ht_quant_spec dynamic_spec(ht_quant_spec spec) const {
    spec.dynamic = 1;
    spec.granularity = HT_PER_TENSOR;
    spec.axis = spec.block_size = 0;
    if (!uint8_) return spec;
    spec.kind = HT_QUANT_INTEGER;
    spec.bits = 8;
    spec.is_signed = 0;
    spec.quant_min = 0;
    spec.quant_max = 255;
    spec.symmetry = HT_ASYMMETRIC;
    spec.scale_form = HT_SCALE_FREE;
    spec.rounding = HT_ROUND_HALF_EVEN;
    return spec;
  }

  bool uint8_;
};
HALFTONE_PASS(DynamicQuantization)

}  // namespace halftone::passes
