#include "chosen_blocks.h"

#include <algorithm>

namespace halftone::passes {

bool matches(std::string_view name, std::string_view pattern) {
  std::size_t n = 0, p = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++n, ++p;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<Block> chosen_blocks(const sdk::Graph &graph, const FlowGraph &flow, std::vector<Block> blocks,
                                 const std::vector<std::string> &patterns) {
  if (patterns.empty()) return blocks;
  std::vector<bool> used(patterns.size(), false);
  const auto is_named = [&](const Block &block) {
    bool named = false;
    for (const std::size_t n : block.nodes) {
      const sdk::Node node = graph.node(flow.nodes[n].handle);
      for (std::size_t i = 0; i < patterns.size(); ++i) {
        if (!matches(node.name(), patterns[i])) continue;
        used[i] = named = true;
      }
    }
    return named;
  };
  std::erase_if(blocks, [&](const Block &block) { return !is_named(block); });
  const auto idle = std::ranges::find(used, false);
  if (idle == used.end()) return blocks;
  throw sdk::Failure(
      HT_INVALID_ARGUMENT,
      "`layers` names '" + patterns[static_cast<std::size_t>(idle - used.begin())] +
          "', and no operator of a block that can be trained is called so; `halftone inspect` lists nodes");
}

}  // namespace halftone::passes
