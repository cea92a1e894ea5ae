#include "layer_names.h"

#include <fnmatch.h>

#include <algorithm>

namespace halftone::passes {
namespace {

bool matches(const std::string &pattern, const std::string &name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

}  // namespace

bool LayerNames::selects(std::string_view name) const {
  const std::string text(name);
  return patterns_.empty() ||
         std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string &p) { return matches(p, text); });
}

void LayerNames::require_matches(const sdk::Graph &graph) const {
  const std::vector<ht_handle> nodes = graph.nodes();
  for (const std::string &pattern : patterns_) {
    const bool found = std::any_of(nodes.begin(), nodes.end(), [&](ht_handle node) {
      return matches(pattern, std::string(graph.node(node).name()));
    });
    if (!found) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "`layers`: no node is named '" + pattern + "'; `halftone inspect MODEL` lists the nodes");
    }
  }
}

}  // namespace halftone::passes
