// The main graph as data flows through it: what blocks are found in and what their data is gathered by.
//
// Nodes that give integers or booleans alone (shapes, indices, masks before they are cast) are left out: whoever reads
// such a value reads what it is made of, and computes it again. What depends on stored tensors alone is left out too.
#pragma once

#include <cstddef>
#include <vector>

#include "halftone/pass.hpp"

namespace halftone::passes {

constexpr std::size_t kNoNode = static_cast<std::size_t>(-1);

struct FlowNode {
  ht_handle handle = HT_NONE;
  std::vector<std::size_t> reads;   // values, each once
  std::vector<std::size_t> writes;  // those that can be read
  bool learns = false;              // has a weight to learn: blocks start here
  bool barrier = false;             // may lie in no block
  unsigned length = 1;              // what it adds to a path; 0 where it only moves data
};

struct FlowValue {
  ht_handle handle = HT_NONE;
  std::size_t producer = kNoNode;    // none: an input of the graph
  std::vector<std::size_t> readers;  // nodes, ascending, each once
  bool kept = false;                 // an output of the graph, or read by a body: never inside a block
};

struct FlowGraph {
  std::vector<FlowNode> nodes;  // in topological order
  std::vector<FlowValue> values;

  // For graphs that are built by hand; reads and writes are values of `values`.
  void link();
};

// What decides about nodes of a model.
struct FlowQuestions {
  virtual ~FlowQuestions() = default;
  virtual bool learns(const sdk::Node &node) const = 0;
  virtual bool can_train(const sdk::Node &node) const = 0;
};

FlowGraph read_flow(const sdk::Graph &graph, const FlowQuestions &questions);

}  // namespace halftone::passes
