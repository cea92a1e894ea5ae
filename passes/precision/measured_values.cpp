#include "measured_values.h"

#include <algorithm>

#include "halftone/graph.hpp"

namespace halftone::passes {

std::vector<ht_handle> measured_values(const sdk::Context &ctx, const std::vector<std::string> &names) {
  const sdk::Graph graph(ctx);
  std::vector<ht_handle> found;
  for (const std::string &name : names) {
    const std::span<const ht_handle> all = graph.values(graph.main());
    const auto named = std::find_if(all.begin(), all.end(), [&](ht_handle v) { return graph.value(v).name() == name; });
    const ht_handle value = named == all.end() ? HT_NONE : *named;
    if (value == HT_NONE || graph.value(value).info.producer == HT_NONE)
      throw sdk::Failure(HT_INVALID_ARGUMENT, "no operator of the model makes the value '" + name + "'");
    found.push_back(value);
  }
  if (found.empty()) {
    for (const ht_handle value : graph.outputs(graph.main())) {
      if (graph.value(value).info.producer != HT_NONE) found.push_back(value);
    }
  }
  if (found.empty()) throw sdk::Failure(HT_FAILED_PRECONDITION, "no operator makes a result of the model");
  return found;
}

}  // namespace halftone::passes
