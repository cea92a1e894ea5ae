#include "unknown_operators.h"

#include "halftone/config.hpp"
#include "halftone/fusion.hpp"
#include "halftone/graph.hpp"
#include "halftone/target.hpp"

namespace halftone::passes {

std::vector<UnknownOperator> unknown_operators(const sdk::Context &ctx) {
  std::vector<UnknownOperator> found;
  if (sdk::Fusions(ctx).names().empty()) return found;
  const sdk::Graph graph(ctx);
  const sdk::Configs configs(ctx);
  const sdk::Target target(ctx);
  for (const ht_handle handle : graph.nodes()) {
    const sdk::Node node = graph.node(handle);
    if (node.domain().empty()) continue;
    for (std::uint32_t slot = 0; slot < node.inputs().size(); ++slot) {
      const ht_handle config = configs.input(handle, slot);
      if (config == HT_NONE || configs.info(config).state == HT_STATE_FP32) continue;
      if (!graph.initializer(node.input(slot)) || target.slot_role(handle, HT_SLOT_INPUT, slot) != HT_SLOT_WEIGHT)
        continue;
      found.push_back({std::string(node.name()), std::string(node.domain()) + "." + std::string(node.op_type())});
      break;
    }
  }
  return found;
}

void report_unknown(const sdk::Context &ctx) {
  const std::vector<UnknownOperator> left = unknown_operators(ctx);
  if (left.empty()) return;
  std::string which = left.front().type + " '" + left.front().name + "'";
  if (left.size() > 1) which += " and " + std::to_string(left.size() - 1) + " more";
  ctx.report("left as they are", which + ": what an operator of a plug-in does with its weight is not known");
}

}  // namespace halftone::passes
