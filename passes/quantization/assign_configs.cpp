#include <string>

#include "platform_options.h"
#include "quantization_points.h"

namespace halftone::passes {
namespace {

std::uint32_t first_state(std::uint32_t role) {
  return role == HT_SLOT_BIAS || role == HT_SLOT_BOUND ? HT_STATE_PASSIVE_INIT : HT_STATE_INITIAL;
}

bool may_be_float(ht_dtype dtype) {
  return dtype == HT_DTYPE_NONE || dtype == HT_F32 || dtype == HT_F64 || dtype == HT_F16 || dtype == HT_BF16;
}

}  // namespace

class AssignConfigs final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("assign-configs")
        .title("gives every slot the quantization that the platform demands")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT)
        .needs({HT_TARGET_1})
        .after({HT_FACT_DISPATCHED})
        .provides({HT_FACT_CONFIGS})
        .invalidates({HT_FACT_FUSED, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED,
                      HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "Asks the platform for the rule of each node, those of bodies included, and creates a config for each slot "
            "that "
            "carries data: "
            "type, symmetry, granularity and rounding, and the observer that will find its range. Activations and "
            "weights begin as "
            "initial; biases and limits begin as passive-init, because their scales follow from others. Slots that "
            "carry shapes "
            "or indices get none.\n"
            "\n"
            "A node that the platform or the dispatcher leaves in float keeps the reason, which `halftone explain` "
            "prints. "
            "Configs that "
            "exist already, for instance from an imported model, are kept.\n"
            "\n"
            "PPQ counterpart: BaseQuantizer.init_quantize_config.");
  }
  explicit AssignConfigs(const sdk::Args &) {}

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    Counts counts;
    const std::vector<ht_handle> nodes = points.every_node();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i % 64 == 0) ctx.poll(i, nodes.size());
      visit(ctx, points, nodes[i], counts);
    }
    ctx.report("quantized", std::to_string(counts.nodes) + " of " + std::to_string(nodes.size()) + " nodes, " +
                                std::to_string(counts.configs) + " configs");
    if (counts.kept > 0) ctx.report("kept", std::to_string(counts.kept) + " configs that existed already");
    if (counts.float_slots > 0) {
      ctx.report("left in float", std::to_string(counts.float_slots) + " slots of quantized nodes");
    }
  }

 private:
  struct Counts {
    std::size_t nodes = 0, configs = 0, kept = 0, float_slots = 0;
  };

  static void visit(const sdk::Context &ctx, const QuantizationPoints &points, ht_handle handle, Counts &counts) {
    const ht_node_rule rule = platform_rule(ctx, handle);
    if (rule.quantized == 0) {
      const std::string_view reason = sdk::view(rule.reason);
      ctx.float_reason(handle, reason.empty() ? "the platform does not quantize this operator" : reason);
      return;
    }
    ctx.float_reason(handle, "");
    ++counts.nodes;
    for (std::uint32_t i = 0; i < rule.input_count; ++i)
      assign(points, handle, HT_SLOT_INPUT, i, rule.inputs[i], counts);
    for (std::uint32_t i = 0; i < rule.output_count; ++i) {
      assign(points, handle, HT_SLOT_OUTPUT, i, rule.outputs[i], counts);
    }
  }

  static void assign(const QuantizationPoints &points, ht_handle handle, std::uint32_t direction, std::uint32_t slot,
                     const ht_slot_rule &rule, Counts &counts) {
    const sdk::Node node = points.graph.node(handle);
    const ht_handle value = direction == HT_SLOT_INPUT ? node.input(slot) : node.output(slot);
    if (value == HT_NONE) return;
    if (rule.role == HT_SLOT_NONE) {
      counts.float_slots += rule.reason.size > 0 ? 1 : 0;
      return;
    }
    if (!may_be_float(points.graph.value(value).info.type.dtype)) return;
    if (points.configs.find(handle, direction, slot) != HT_NONE) {
      ++counts.kept;
      return;
    }
    const ht_handle config = points.configs.create(handle, direction, slot, rule.spec, first_state(rule.role));
    if (rule.observer.size > 0) {
      points.configs.set_observer(config, sdk::view(rule.observer),
                                  {rule.observer_parameters, static_cast<std::size_t>(rule.observer_parameter_count)});
    }
    ++counts.configs;
  }
};
HALFTONE_PASS(AssignConfigs)

}  // namespace halftone::passes
