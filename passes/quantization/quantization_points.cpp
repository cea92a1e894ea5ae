#include "quantization_points.h"

#include "halftone/fusion.hpp"

namespace halftone::passes {

bool same_scheme(const ht_quant_spec &a, const ht_quant_spec &b) {
  const bool same_grid = a.kind == b.kind && a.bits == b.bits && a.is_signed == b.is_signed &&
                         a.quant_min == b.quant_min && a.quant_max == b.quant_max && a.symmetry == b.symmetry;
  const bool same_rule =
      a.scale_form == b.scale_form && a.span == b.span && a.rounding == b.rounding && a.dynamic == b.dynamic;
  if (!same_grid || !same_rule || a.granularity != b.granularity) return false;
  if (a.granularity == HT_PER_TENSOR) return true;
  return a.axis == b.axis && (a.granularity != HT_PER_BLOCK || a.block_size == b.block_size);
}

bool is_live(std::uint32_t state) {
  return state == HT_STATE_ACTIVATED || state == HT_STATE_PASSIVE;
}

QuantizationPoints::QuantizationPoints(const sdk::Context &ctx) : graph(ctx), configs(ctx) {
  const std::vector<ht_handle> pinned = sdk::Fusions(ctx).pinned();
  pinned_.insert(pinned.begin(), pinned.end());
}

std::vector<ht_handle> QuantizationPoints::every_node() const {
  const auto borrowed = graph.graphs();
  std::vector<ht_handle> all;
  for (const ht_handle g : std::vector<ht_handle>(borrowed.begin(), borrowed.end())) {
    const std::vector<ht_handle> own = graph.nodes(g);
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

ht_handle QuantizationPoints::value_of(const ht_config_info &config) const {
  const sdk::Node node = graph.node(config.node);
  return config.direction == HT_SLOT_INPUT ? node.input(config.slot) : node.output(config.slot);
}

bool QuantizationPoints::is_parameter(const ht_config_info &config) const {
  if (config.direction != HT_SLOT_INPUT) return false;
  const ht_handle value = value_of(config);
  return value != HT_NONE && graph.value(value).is_initializer();
}

std::uint32_t QuantizationPoints::root_state(ht_handle config) const {
  return config == HT_NONE ? HT_STATE_FP32 : configs.state(root(config));
}

ht_handle QuantizationPoints::source(ht_handle config) const {
  for (;;) {
    config = root(config);
    const ht_handle master = configs.info(config).master;
    if (master == HT_NONE) return config;
    config = master;
  }
}

bool QuantizationPoints::is_pinned(ht_handle config) const {
  return pinned_.contains(config) || pinned_.contains(root(config)) || pinned_.contains(source(config));
}

ht_handle QuantizationPoints::producer_config(ht_handle value) const {
  const sdk::Value v = graph.value(value);
  return v.info.producer == HT_NONE ? HT_NONE : configs.output(v.info.producer, v.info.producer_slot);
}

std::string QuantizationPoints::describe(ht_handle config) const {
  const ht_config_info info = configs.info(config);
  const sdk::Node node = graph.node(info.node);
  std::string text = info.direction == HT_SLOT_INPUT ? "input" : "output";
  if (info.slot > 0) text.append(" ").append(std::to_string(info.slot));
  return text.append(" of ").append(node.op_type()).append(" '").append(node.name()).append("'");
}

bool QuantizationPoints::join(ht_handle child, ht_handle by, std::string_view reason) const {
  if (root_state(child) == HT_STATE_FP32 || root_state(by) == HT_STATE_FP32) return false;
  if (root(child) == root(by) || pinned_.count(root(child)) != 0) return false;
  configs.dominate(child, by, reason);
  return true;
}

}  // namespace halftone::passes
