// The model as dispatchers see it: which node reads what another computes, as data or as a shape, an index or a
// limit. Bodies read what they capture; what their own inputs and outputs stand for outside is no neighbour.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/graph.hpp"
#include "halftone/target.hpp"

namespace halftone::passes {

struct DispatchNode {
  ht_handle handle = HT_NONE;
  std::string name, op_type;
  bool quantizable = false;  // the platform has a quantized form of it
  std::string hindrance;     // in the platform's words, where it has none
  // Weighted: Conv, ConvTranspose, Gemm, MatMul, what the platform adds, and what fusions put there for them.
  bool computing = false;
  bool gives_no_data = false;                             // all that it writes is a shape, an index or a condition
  std::vector<std::size_t> data_readers, data_writers;    // neighbours by data
  std::vector<std::size_t> other_readers, other_writers;  // by shapes, indices, conditions and limits
};

// In topological order, the main graph first, then bodies.
std::vector<DispatchNode> dispatch_graph(const sdk::Context &ctx);

enum class Direction { kDown, kUp };

// All nodes that a walk along data from `starts` reaches, the starts included. `passes(i)` says whether the walk enters
// node i.
template <typename Passes>
std::vector<bool> reached_by_data(const std::vector<DispatchNode> &nodes, std::vector<std::size_t> starts,
                                  Direction direction, const Passes &passes) {
  std::vector<bool> reached(nodes.size(), false);
  for (const std::size_t start : starts) reached[start] = true;
  while (!starts.empty()) {
    const DispatchNode &at = nodes[starts.back()];
    starts.pop_back();
    for (const std::size_t next : direction == Direction::kDown ? at.data_readers : at.data_writers) {
      if (reached[next] || !passes(next)) continue;
      reached[next] = true;
      starts.push_back(next);
    }
  }
  return reached;
}

}  // namespace halftone::passes
