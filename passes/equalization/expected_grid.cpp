#include "expected_grid.h"

#include <algorithm>
#include <cmath>

namespace halftone::passes {

GridStep ExpectedGrid::step(double least, double most) const {
  least = std::min(least, 0.0), most = std::max(most, 0.0);
  GridStep step{1, 0, low, high};
  step.scale = symmetric ? std::max(-least, most) / std::min(-low, high) : (most - least) / (high - low);
  if (symmetric && low >= 0) step.scale = most / high;
  step.scale = std::max(step.scale, 1e-8);
  if (power_of_two) step.scale = std::exp2(std::ceil(std::log2(step.scale)));
  if (!symmetric) step.zero = std::clamp(std::nearbyint(low - least / step.scale), low, high);
  return step;
}

ExpectedGrid expected_grid(const sdk::Context &ctx, ht_handle node, std::uint32_t slot, bool weight) {
  ExpectedGrid grid;
  grid.per_channel = weight;
  ht_str platform{};
  if (ctx.host.target == nullptr || ctx.host.target->platform(ctx.raw, &platform) != HT_OK) return grid;
  ht_node_rule rule{};
  rule.struct_size = sizeof(rule);
  sdk::check(ctx.host.target->node_rule(ctx.raw, node, &rule));
  grid.quantized = false;
  if (rule.quantized == 0 || slot >= rule.input_count) return grid;
  const ht_slot_rule &given = rule.inputs[slot];
  if (given.role == HT_SLOT_NONE || given.reason.size != 0 || given.spec.kind != HT_QUANT_INTEGER) return grid;
  grid.quantized = true;
  grid.symmetric = given.spec.symmetry == HT_SYMMETRIC;
  grid.per_channel = given.spec.granularity != HT_PER_TENSOR;
  grid.power_of_two = given.spec.scale_form == HT_SCALE_POWER_OF_TWO;
  grid.cuts = sdk::view(given.observer) != "minmax";
  grid.low = static_cast<double>(given.spec.quant_min);
  grid.high = static_cast<double>(given.spec.quant_max);
  return grid;
}

}  // namespace halftone::passes
