#include "data_plan.h"

#include <algorithm>

namespace halftone::passes {
namespace {

class Planner {
 public:
  Planner(const FlowGraph &graph, const std::vector<Block> &blocks)
      : graph_(graph),
        blocks_(blocks),
        needed_(graph.nodes.size(), false),
        done_(graph.nodes.size(), false),
        kept_(graph.values.size(), false) {}

  DataPlan plan() {
    find_needed();
    DataPlan plan;
    for (std::size_t v = 0; v < graph_.values.size(); ++v) {
      if (graph_.values[v].producer != kNoNode || !is_read_later(v)) continue;
      kept_[v] = true;
      plan.inputs.push_back(v);
    }
    for (const Block &block : blocks_) plan.steps.push_back(step_for(block));
    return plan;
  }

 private:
  void find_needed() {
    std::vector<std::size_t> stack;
    const auto add = [&](std::size_t value) {
      const std::size_t node = graph_.values[value].producer;
      if (node == kNoNode || needed_[node]) return;
      needed_[node] = true;
      stack.push_back(node);
    };
    for (const Block &block : blocks_) add(block.exit);
    while (!stack.empty()) {
      const std::size_t node = stack.back();
      stack.pop_back();
      for (const std::size_t v : graph_.nodes[node].reads) add(v);
    }
  }

  bool is_read_later(std::size_t value) const {
    return std::ranges::any_of(graph_.values[value].readers, [&](std::size_t n) { return needed_[n] && !done_[n]; });
  }

  DataStep step_for(const Block &block) {
    DataStep step;
    std::vector<std::size_t> stack{graph_.values[block.exit].producer};
    done_[stack.front()] = true;
    while (!stack.empty()) {
      const std::size_t node = stack.back();
      stack.pop_back();
      step.nodes.push_back(node);
      for (const std::size_t v : graph_.nodes[node].reads) {
        const std::size_t producer = graph_.values[v].producer;
        if (kept_[v]) {
          step.feeds.push_back(v);
        } else if (!done_[producer]) {
          done_[producer] = true;
          stack.push_back(producer);
        }
      }
    }
    std::ranges::sort(step.nodes);
    std::ranges::sort(step.feeds);
    const auto twice = std::ranges::unique(step.feeds);
    step.feeds.erase(twice.begin(), twice.end());
    for (const std::size_t node : step.nodes) {
      for (const std::size_t v : graph_.nodes[node].writes) {
        if (v == block.exit) continue;
        if (std::ranges::binary_search(block.entries, v) || is_read_later(v)) step.stores.push_back(v);
      }
    }
    for (const std::size_t v : step.stores) kept_[v] = true;
    kept_[block.exit] = true;
    for (std::size_t v = 0; v < kept_.size(); ++v) {
      if (!kept_[v] || is_read_later(v)) continue;
      kept_[v] = false;
      step.drops.push_back(v);
    }
    return step;
  }

  const FlowGraph &graph_;
  const std::vector<Block> &blocks_;
  std::vector<bool> needed_, done_, kept_;
};

}  // namespace

DataPlan plan_data(const FlowGraph &graph, const std::vector<Block> &blocks) {
  return Planner(graph, blocks).plan();
}

}  // namespace halftone::passes
