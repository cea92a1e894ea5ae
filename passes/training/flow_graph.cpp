#include "flow_graph.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

namespace halftone::passes {
namespace {

using Values = std::vector<std::size_t>;

void add_all(Values &to, const Values &from) {
  to.insert(to.end(), from.begin(), from.end());
}

void sort_once(Values &list) {
  std::ranges::sort(list);
  const auto twice = std::ranges::unique(list);
  list.erase(twice.begin(), twice.end());
}

bool moves_data(const sdk::Node &node) {
  static constexpr std::array<std::string_view, 13> kMovers = {
      "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Dropout",
      "Slice",   "Split",     "Cast",    "Expand",    "Concat",  "Pad"};
  return node.domain().empty() && std::ranges::find(kMovers, node.op_type()) != kMovers.end();
}

bool has_bodies(const sdk::Node &node) {
  return node.is("If") || node.is("Loop") || node.is("Scan");
}

bool is_float(ht_dtype dtype) {
  return dtype == HT_DTYPE_NONE || dtype == HT_F32 || dtype == HT_F64 || dtype == HT_F16 || dtype == HT_BF16;
}

class Reader {
 public:
  Reader(const sdk::Graph &graph, const FlowQuestions &questions) : graph_(graph), questions_(questions) {}

  FlowGraph read() {
    const std::vector<ht_handle> nodes = graph_.nodes();
    for (const ht_handle node : nodes) in_main_.emplace(node, true);
    for (const ht_handle input : graph_.inputs(graph_.main())) meaning_[input] = {add_value(input, kNoNode)};
    for (const ht_handle node : nodes) visit(node);
    flow_.link();
    return std::move(flow_);
  }

 private:
  std::size_t add_value(ht_handle handle, std::size_t producer) {
    FlowValue value;
    value.handle = handle;
    value.producer = producer;
    value.kept = graph_.value(handle).is_output();
    bool in_body = false;
    for (const ht_use &use : graph_.consumers(handle)) in_body = in_body || !in_main_.contains(use.node);
    flow_.values.push_back(value);
    if (in_body) {
      flow_.values.back().kept = true;
      for_bodies_.push_back(flow_.values.size() - 1);
    }
    return flow_.values.size() - 1;
  }

  void visit(ht_handle handle) {
    const sdk::Node node = graph_.node(handle);
    Values reads;
    for (const ht_handle input : node.inputs()) {
      if (const auto found = meaning_.find(input); found != meaning_.end()) add_all(reads, found->second);
    }
    const bool bodies = has_bodies(node);
    if (bodies) add_all(reads, for_bodies_);
    sort_once(reads);
    if (reads.empty() && !bodies) return;
    std::vector<ht_handle> floats;
    for (const ht_handle output : node.outputs()) {
      if (output == HT_NONE) continue;
      if (is_float(graph_.value(output).info.type.dtype)) {
        floats.push_back(output);
      } else {
        meaning_[output] = reads;
      }
    }
    if (floats.empty()) return;
    FlowNode flow;
    flow.handle = handle;
    flow.reads = reads;
    flow.length = moves_data(node) ? 0 : 1;
    flow.barrier = bodies || !questions_.can_train(node);
    flow.learns = !flow.barrier && questions_.learns(node);
    for (const ht_handle output : floats) {
      flow.writes.push_back(add_value(output, flow_.nodes.size()));
      meaning_[output] = {flow.writes.back()};
    }
    flow_.nodes.push_back(std::move(flow));
  }

  const sdk::Graph &graph_;
  const FlowQuestions &questions_;
  FlowGraph flow_;
  std::unordered_map<ht_handle, bool> in_main_;
  std::unordered_map<ht_handle, Values> meaning_;  // of a value of the model: the values that it is computed from
  Values for_bodies_;
};

}  // namespace

void FlowGraph::link() {
  for (FlowValue &value : values) value.readers.clear(), value.producer = kNoNode;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    for (const std::size_t v : nodes[n].reads) values[v].readers.push_back(n);
    for (const std::size_t v : nodes[n].writes) values[v].producer = n;
  }
}

FlowGraph read_flow(const sdk::Graph &graph, const FlowQuestions &questions) {
  return Reader(graph, questions).read();
}

}  // namespace halftone::passes
