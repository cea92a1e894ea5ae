#include "weighted_operators.h"

#include <algorithm>

#include "halftone/target.hpp"

namespace halftone::passes {
namespace {

std::uint64_t elements_of(const ht_tensor_info &type) {
  std::uint64_t count = 1;
  for (std::uint32_t k = 0; k < type.rank; ++k) count *= static_cast<std::uint64_t>(type.shape[k]);
  return count;
}

bool is_weight(const sdk::Graph &graph, const sdk::Target &target, const ht_config_info &info, ht_handle value) {
  if (value == HT_NONE || info.spec.kind != HT_QUANT_INTEGER || info.spec.dynamic != 0) return false;
  if (target.slot_role(info.node, HT_SLOT_INPUT, info.slot) != HT_SLOT_WEIGHT) return false;
  const sdk::Value v = graph.value(value);
  return v.is_initializer() && v.info.type.dtype == HT_F32 && elements_of(v.info.type) > 0;
}

WeightedOperator &of_weight(std::vector<WeightedOperator> &found, const sdk::Value &value) {
  const auto known = std::find_if(found.begin(), found.end(),
                                  [&](const WeightedOperator &other) { return other.weight == value.name(); });
  if (known != found.end()) return *known;
  WeightedOperator &fresh = found.emplace_back();
  fresh.weight = value.name();
  fresh.elements = elements_of(value.info.type);
  return fresh;
}

void add_inputs(const sdk::Graph &graph, const sdk::Configs &configs, const sdk::Node &node, WeightedOperator &to) {
  for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) {
    const ht_handle config = configs.input(node.handle, slot), value = node.input(slot);
    if (config == HT_NONE || value == HT_NONE || graph.value(value).is_initializer()) continue;
    const ht_config_info info = configs.info(config);
    if (info.state == HT_STATE_INITIAL && info.spec.kind == HT_QUANT_INTEGER && info.spec.dynamic == 0)
      to.input_configs.push_back(config);
  }
}

}  // namespace

std::vector<WeightedOperator> find_weighted_operators(const sdk::Context &ctx, const char *pass) {
  const sdk::Graph graph(ctx);
  const sdk::Configs configs(ctx);
  const sdk::Target target(ctx);
  std::vector<WeightedOperator> found;
  for (const ht_handle handle : graph.nodes()) {
    const sdk::Node node = graph.node(handle);
    for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) {
      const ht_handle config = configs.input(handle, slot);
      if (config == HT_NONE) continue;
      const ht_config_info info = configs.info(config);
      if (info.state == HT_STATE_FP32 || !is_weight(graph, target, info, node.input(slot))) continue;
      if (info.state != HT_STATE_INITIAL) {
        throw sdk::Failure(HT_FAILED_PRECONDITION,
                           "the weight of '" + std::string(node.name()) + "' has its scale already; put " + pass +
                               " behind assign-configs and in front of quantize-fusion and parameter-quantize",
                           handle);
      }
      WeightedOperator &to = of_weight(found, graph.value(node.input(slot)));
      to.nodes.push_back(handle);
      to.weight_configs.push_back(config);
      to.weight_bits = std::max(to.weight_bits, info.spec.bits);
      const ht_node_rule rule = target.node_rule(handle);
      to.by_user = to.by_user || (slot < rule.input_count && rule.inputs[slot].spec.bits != info.spec.bits);
      add_inputs(graph, configs, node, to);
    }
  }
  return found;
}

ht_quant_spec with_bits(ht_quant_spec spec, std::uint32_t bits) {
  if (bits == spec.bits) return spec;
  const std::int64_t half = std::int64_t{1} << (bits - 1);
  spec.bits = bits;
  spec.quant_min = spec.is_signed != 0 ? -half : 0;
  spec.quant_max = spec.is_signed != 0 ? half - 1 : 2 * half - 1;
  return spec;
}

}  // namespace halftone::passes
