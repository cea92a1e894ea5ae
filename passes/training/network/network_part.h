// The part of the model that is trained as one: from the inputs that matter to the values that losses are taken of.
#pragma once

#include <string>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::passes {

struct NetworkPart {
  std::vector<ht_handle> inputs;   // of the graph, that outputs depend on
  std::vector<ht_handle> outputs;  // float values that operators make
  std::vector<ht_handle> nodes;    // that outputs are computed from, in topological order
  bool fixed_rows = false;         // an input says how many rows it has: more of them may not fit together
};

// `names`: of the outputs; empty: all results of the model that are floats. `of_classes`: where an output is a softmax,
// its input is taken in its place. Throws with a remedy where there is nothing to train towards, and for inputs that a
// trainer does not take.
NetworkPart find_network_part(const sdk::Graph &graph, const std::vector<std::string> &names, bool of_classes);

}  // namespace halftone::passes
