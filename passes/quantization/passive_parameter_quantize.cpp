#include <algorithm>
#include <cmath>
#include <string>

#include "bias_scale.h"
#include "platform_options.h"
#include "quantization_points.h"

namespace halftone::passes {

class PassiveParameterQuantize final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("passive-parameter-quantize")
        .title("derives the scales of biases, clipping limits and fill values")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT)
        .after({HT_FACT_CONFIGS, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED})
        .provides({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "A bias is added to an integer accumulator, so its scale is the input's scale times the weight's, per "
            "channel, with zero "
            "point 0. Where the bias would not fit its integer type (a channel of tiny weights has a tiny scale) the "
            "weight's scale "
            "of that channel is enlarged until it does; that costs resolution nobody can see, because such weights "
            "hardly matter "
            "beside their bias. Where that is not possible the run warns.\n"
            "\n"
            "The limits of Clip and the fill value of Pad take the scale of the operator's input.\n"
            "\n"
            "PPQ counterpart: PassiveParameterQuantizePass, which lets the bias saturate silently.");
    d.params.flag("process_bias", "derive scales of biases; off: biases stay in float", true)
        .flag("process_clip", "quantize the limits of Clip", true)
        .flag("process_pad", "quantize the fill value of Pad", true)
        .flag("repair_overflow", "enlarge a weight's scale where the bias would not fit its type", true)
        .advanced();
  }
  explicit PassiveParameterQuantize(const sdk::Args &args)
      : bias_(args.flag("process_bias")),
        clip_(args.flag("process_clip")),
        pad_(args.flag("process_pad")),
        repair_(args.flag("repair_overflow")) {}

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    Counts counts;
    const std::vector<ht_handle> nodes = points.every_node();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i % 64 == 0) ctx.poll(i, nodes.size());
      visit(ctx, points, nodes[i], counts);
    }
    ctx.report("biases", std::to_string(counts.biases) + " took the product of two scales");
    ctx.report("limits", std::to_string(counts.bounds) + " took the scale of their operator's input");
    if (counts.repaired > 0) {
      ctx.report("repaired",
                 std::to_string(counts.repaired) + " channels whose bias did not fit: weight scale enlarged");
    }
    if (counts.saturated > 0)
      ctx.report("saturated", std::to_string(counts.saturated) + " channels whose bias is cut off");
    if (counts.in_float > 0) ctx.report("left in float", std::to_string(counts.in_float) + " parameters");
    warn_about_unresolved(ctx, points);
  }

 private:
  struct Counts {
    std::size_t biases = 0, bounds = 0, repaired = 0, saturated = 0, in_float = 0;
  };

  void visit(const sdk::Context &ctx, const QuantizationPoints &points, ht_handle node, Counts &counts) const {
    std::vector<std::uint32_t> waiting;
    for (std::uint32_t slot = 1; slot < points.graph.node(node).inputs().size(); ++slot) {
      const std::uint32_t state = points.configs.state(points.configs.input(node, slot));
      if (state == HT_STATE_PASSIVE_INIT || state == HT_STATE_PASSIVE) waiting.push_back(slot);
    }
    if (waiting.empty()) return;
    const ht_node_rule rule = platform_rule(ctx, node);
    for (const std::uint32_t slot : waiting) {
      if (slot >= rule.input_count) continue;
      const ht_handle config = points.configs.input(node, slot);
      if (rule.inputs[slot].role == HT_SLOT_BIAS) derive_bias(ctx, points, node, config, counts);
      if (rule.inputs[slot].role == HT_SLOT_BOUND) derive_bound(points, node, config, counts);
    }
  }

  static void leave(const QuantizationPoints &points, ht_handle config, std::string_view reason, Counts &counts) {
    points.configs.set_state(config, HT_STATE_FP32, reason);
    ++counts.in_float;
  }

  void derive_bias(const sdk::Context &ctx, const QuantizationPoints &points, ht_handle node, ht_handle config,
                   Counts &counts) const {
    if (!bias_) return leave(points, config, "process_bias is off", counts);
    const ht_handle input = points.configs.input(node, 0), weight = points.configs.input(node, 1);
    const ht_config_info own = points.configs.info(config);
    const auto tensor = points.graph.initializer(points.value_of(own));
    if (!tensor || tensor->dtype != HT_F32)
      return leave(points, config, "the bias is not a stored float32 tensor", counts);
    if (points.root_state(input) == HT_STATE_FP32 || points.configs.info(input).scale_count != 1) {
      return leave(points, config, "the input has no scale of its own, so the bias cannot have one", counts);
    }
    if (points.root_state(weight) == HT_STATE_FP32 || points.configs.info(weight).scale_count == 0) {
      return leave(points, config, "the weight has no scale, so the bias cannot have one", counts);
    }
    const ht_config_info weight_info = points.configs.info(weight);
    BiasProblem problem;
    problem.bias = {static_cast<const float *>(tensor->data), static_cast<std::size_t>(sdk::count_of(*tensor))};
    problem.input_scale = points.configs.info(input).scales[0];
    problem.weight_scales = {weight_info.scales, static_cast<std::size_t>(weight_info.scale_count)};
    problem.largest_code = static_cast<double>(std::min(-own.spec.quant_min, own.spec.quant_max));
    problem.power_of_two = weight_info.spec.scale_form == HT_SCALE_POWER_OF_TWO;
    if (own.spec.granularity == HT_PER_CHANNEL && own.spec.axis < static_cast<std::int32_t>(tensor->rank)) {
      problem.scale_count = static_cast<std::size_t>(tensor->shape[own.spec.axis]);
    }
    if (problem.scale_count % problem.weight_scales.size() != 0) {
      return leave(points, config, "the weight has more scales than the bias has channels", counts);
    }
    apply(ctx, points, node, config, problem, counts);
  }

  void apply(const sdk::Context &ctx, const QuantizationPoints &points, ht_handle node, ht_handle config,
             const BiasProblem &problem, Counts &counts) const {
    const ht_handle weight = points.configs.input(node, 1);
    const ht_config_info info = points.configs.info(weight);
    // One scale for the whole weight must not grow for the sake of one channel.
    const bool can_repair =
        repair_ && info.scale_count > 1 && info.state == HT_STATE_ACTIVATED && points.is_parameter(info);
    const BiasScales derived = derive_bias_scales(problem, can_repair);
    if (!std::ranges::all_of(derived.scales, [](float scale) { return std::isfinite(scale); })) {
      return leave(points, config, "the product of the scales of input and weight is not finite", counts);
    }
    if (derived.overflows > 0 && can_repair) {
      const std::vector<std::int32_t> zero_points(info.zero_points, info.zero_points + info.scale_count);
      points.configs.set_scales(weight, derived.weight_scales, zero_points,
                                "enlarged in " + std::to_string(derived.overflows) + " channels so that the bias fits");
      counts.repaired += derived.overflows;
    } else if (derived.overflows > 0) {
      const std::string name(points.graph.node(node).name());
      ctx.warn("the bias of node '" + name + "' is too large for its type in " + std::to_string(derived.overflows) +
               " channels and is cut off there; quantize the weight per channel, or leave the bias in float");
      counts.saturated += derived.overflows;
    }
    const std::vector<std::int32_t> zeros(derived.scales.size(), 0);
    points.configs.set_scales(config, derived.scales, zeros, "input scale * weight scale");
    ++counts.biases;
  }

  void derive_bound(const QuantizationPoints &points, ht_handle node, ht_handle config, Counts &counts) const {
    const sdk::Node owner = points.graph.node(node);
    if (owner.is("Clip") && !clip_) return leave(points, config, "process_clip is off", counts);
    if (owner.is("Pad") && !pad_) return leave(points, config, "process_pad is off", counts);
    const ht_handle input = points.configs.input(node, 0);
    if (points.root_state(input) == HT_STATE_FP32) return leave(points, config, "input 0 is not quantized", counts);
    points.configs.set_master(config, input, "takes the scale of input 0");
    ++counts.bounds;
  }

  static void warn_about_unresolved(const sdk::Context &ctx, const QuantizationPoints &points) {
    std::size_t count = 0;
    std::string first;
    for (const ht_handle config : points.configs.all()) {
      if (points.configs.state(config) != HT_STATE_PASSIVE_INIT) continue;
      if (count++ == 0) first = points.describe(config);
    }
    if (count == 0) return;
    ctx.warn(std::to_string(count) + " derived configs have no scale yet, the first is the " + first +
             "; what they derive from is not calibrated");
  }

  bool bias_, clip_, pad_, repair_;
};
HALFTONE_PASS(PassiveParameterQuantize)

}  // namespace halftone::passes
