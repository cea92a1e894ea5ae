// The subgraph search of Boost.Graph: which nodes of a neighbourhood stand for which operations of a pattern.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "core/pattern/attempts.h"
#include "core/pattern/neighbourhood.h"

namespace halftone::pattern {

class SubgraphSearch {
 public:
  explicit SubgraphSearch(const Pattern &pattern);
  SubgraphSearch(SubgraphSearch &&) noexcept;
  ~SubgraphSearch();

  // Calls `accept` with the node of each operation, for one way after another, until it returns true; false when it
  // never did. Slots are right but for operators that take their inputs in any order.
  bool run(const model::Model &model, const Neighbourhood &around, Attempts &attempts,
           const std::function<bool(std::span<const Handle>)> &accept) const;

 private:
  struct Graph;
  std::unique_ptr<const Graph> pattern_;
};

}  // namespace halftone::pattern
