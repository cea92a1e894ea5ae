#include "qdq_plan.h"

namespace halftone::exporters {
namespace {

// ONNX rounds halves to even; any other rule differs from it on exact halves only, and only for what is computed at run
// time: stored codes are exact whatever the rule.
void warn_of_rounding(const sdk::Context &ctx, const SlotPlan &slot, bool &warned) {
  if (warned || !slot.quantizer || slot.quantizer->rounding == HT_ROUND_HALF_EVEN) return;
  ctx.warn(
      "QuantizeLinear rounds halves to even; this platform's rounding differs, so the file may differ by one step "
      "there");
  warned = true;
}

}  // namespace

QdqPlan::QdqPlan(const sdk::Context &ctx) {
  const sdk::Configs configs(ctx);
  bool warned = false;
  for (const ht_handle config : configs.all()) {
    const ht_config_info info = configs.info(config);
    SlotPlan slot;
    slot.state = info.state;
    slot.hidden = info.spec.visibility == HT_EXPORT_NEVER;
    if (const auto q = configs.quantizer(config, true)) {
      slot.quantizer.emplace(*q);
    } else if (info.state == HT_STATE_OVERLAPPED && info.root != config) {
      if (const auto root = configs.quantizer(info.root)) slot.covering.emplace(*root);
    }
    if (info.direction == HT_SLOT_OUTPUT) warn_of_rounding(ctx, slot, warned);
    slots_.emplace(std::tuple(info.node, info.direction, info.slot), std::move(slot));
  }
}

const SlotPlan *QdqPlan::find(ht_handle node, std::uint32_t direction, std::uint32_t slot) const {
  const auto found = slots_.find({node, direction, slot});
  return found == slots_.end() ? nullptr : &found->second;
}

}  // namespace halftone::exporters
