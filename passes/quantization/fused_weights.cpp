#include "fused_weights.h"

namespace halftone::passes {

bool reads_fused_weight(const sdk::Target &target, const sdk::Node &node, std::uint32_t slot) {
  return !node.domain().empty() && target.slot_role(node.handle, HT_SLOT_INPUT, slot) == HT_SLOT_WEIGHT;
}

bool stands_for_weighted(const sdk::Target &target, const sdk::Node &node) {
  for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) {
    if (reads_fused_weight(target, node, slot)) return true;
  }
  return false;
}

}  // namespace halftone::passes
