// Layers that a user names by patterns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::passes {

// Shell patterns over node names, as in overrides: `*` and `?` match across slashes too. An empty list selects all.
class LayerNames {
 public:
  explicit LayerNames(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}
  bool empty() const { return patterns_.empty(); }
  bool selects(std::string_view name) const;
  // Throws InvalidArgument for a pattern that matches no node of the main graph.
  void require_matches(const sdk::Graph &graph) const;

 private:
  std::vector<std::string> patterns_;
};

}  // namespace halftone::passes
