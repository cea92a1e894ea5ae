// A graph that becomes a plan: the main graph of a session, or a body of If, Loop or Scan.
#pragma once

#include <algorithm>
#include <vector>

#include "halftone/body.hpp"
#include "halftone/executor.hpp"

namespace halftone::integer {

struct Part {
  ht_handle graph = HT_NONE;
  std::vector<ht_handle> inputs;   // values to feed
  std::vector<ht_handle> emits;    // of this graph, and of bodies inside it
  std::vector<ht_handle> results;  // of a body

  // An initializer may be listed among the inputs to feed, and then it is one.
  bool is_fed(ht_handle value) const { return std::find(inputs.begin(), inputs.end(), value) != inputs.end(); }
  // Whether a body inside makes it, and hands it over where it is emitted.
  bool is_inner(const sdk::Graph &all, ht_handle value) const {
    return all.value(value).info.graph != graph && !is_fed(value);
  }
};

// The nodes of the part that what it gives depends on, in topological order.
std::vector<ht_handle> needed_nodes(const sdk::Graph &graph, const Part &part);

}  // namespace halftone::integer
