// Finds the occurrences of patterns in a model.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "core/pattern/pattern.h"

namespace halftone::pattern {

using model::Handle;

struct Match {
  std::size_t pattern = 0;  // which of the patterns
  Handle graph = HT_NONE;
  std::vector<Handle> nodes;                // one for each operation of the pattern; the first is the root
  std::vector<std::vector<Handle>> values;  // for each name: one value, none for an absent optional input, a list
  std::vector<Handle> inner;                // values that only nodes of the match produce and read
};

// Whether a match may stand. Asked for each as it is found; one that may not leaves its nodes to the same pattern laid
// otherwise, and to those after it.
using Accept = std::function<bool(const Match &)>;

// Where a match was refused and there are too many others to try each.
struct Untried {
  std::size_t pattern = 0;
  Handle root = HT_NONE;
};

// Occurrences in one graph, in topological order of their roots. Patterns with more operators go first, those with
// equally many in the order given; a node belongs to one match at most.
std::vector<Match> find(const model::Model &model, Handle graph, std::span<const Pattern> patterns);

// The same in every graph, the main one first. Without `accept` every match may stand. `untried`: what is left open.
std::vector<Match> find(const model::Model &model, std::span<const Pattern> patterns, const Accept &accept = {},
                        std::vector<Untried> *untried = nullptr);

}  // namespace halftone::pattern
