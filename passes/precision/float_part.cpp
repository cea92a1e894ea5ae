#include "float_part.h"

#include <algorithm>
#include <string>

#include "halftone/walk.hpp"

namespace halftone::passes {
namespace {

void require_float(const sdk::Configs &configs, const sdk::Node &node) {
  for (const ht_handle config : sdk::configs_of(configs, node)) {
    const std::uint32_t state = configs.state(config);
    if (state == HT_STATE_FP32 || state == HT_STATE_INITIAL || state == HT_STATE_PASSIVE_INIT ||
        state == HT_STATE_OVERLAPPED) {
      continue;
    }
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "derivatives are those of the float network, and '" + std::string(node.name()) +
                           "' is quantized already; put the pass in front of those that find scales",
                       node.handle);
  }
}

}  // namespace

FloatPart float_part(const sdk::Context &ctx, const std::vector<ht_handle> &values) {
  const sdk::Graph graph(ctx);
  const sdk::Configs configs(ctx);
  FloatPart part;
  part.reads.insert(values.begin(), values.end());
  std::vector<ht_handle> nodes = graph.nodes();
  std::reverse(nodes.begin(), nodes.end());
  for (const ht_handle handle : nodes) {
    const sdk::Node node = graph.node(handle);
    const bool wanted = std::any_of(node.outputs().begin(), node.outputs().end(),
                                    [&](ht_handle output) { return part.reads.contains(output); });
    if (!wanted) continue;
    require_float(configs, node);
    for (const ht_handle input : node.inputs()) {
      if (input != HT_NONE) part.reads.insert(input);
    }
  }
  for (const ht_handle input : graph.inputs(graph.main())) {
    if (part.reads.contains(input) && !graph.value(input).is_initializer()) part.inputs.push_back(input);
  }
  return part;
}

}  // namespace halftone::passes
