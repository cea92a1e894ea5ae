#include "block_finder.h"

#include <algorithm>
#include <limits>

namespace halftone::passes {
namespace {

// For each node the nearest one that every path from it to an end passes; nodes.size() where there is none.
std::vector<std::size_t> next_on_all_paths(const FlowGraph &graph) {
  const std::size_t end = graph.nodes.size();
  std::vector<std::size_t> next(end + 1, end);
  const auto meet = [&](std::size_t a, std::size_t b) {
    while (a != b) (a < b ? a : b) = next[std::min(a, b)];  // the earlier one moves on
    return a;
  };
  for (std::size_t n = end; n-- > 0;) {
    std::size_t at = kNoNode;
    const auto add = [&](std::size_t node) { at = at == kNoNode ? node : meet(at, node); };
    for (const std::size_t v : graph.nodes[n].writes) {
      if (graph.values[v].kept) add(end);
      for (const std::size_t reader : graph.values[v].readers) add(reader);
    }
    next[n] = at == kNoNode ? end : at;
  }
  return next;
}

struct Candidate {
  Block block;
  std::vector<std::size_t> covers;  // all that is computed with it, nodes that are in no block included
  unsigned length = 0;
  std::size_t open = 0;  // values that are needed further on
};

class Finder {
 public:
  Finder(const FlowGraph &graph, const BlockRule &rule)
      : graph_(graph), rule_(rule), next_(next_on_all_paths(graph)), covered_(graph.nodes.size(), false) {}

  std::vector<Block> find() {
    std::vector<Block> blocks;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (covered_[n] || !graph_.nodes[n].learns) continue;
      std::vector<Candidate> candidates = candidates_from(n);
      if (candidates.empty()) continue;
      Candidate &chosen = candidates[choose(candidates, open_before(n))];
      for (const std::size_t node : chosen.covers) covered_[node] = true;
      blocks.push_back(std::move(chosen.block));
    }
    return blocks;
  }

 private:
  // What is not covered and must be computed for `node`, itself included; ascending.
  std::vector<std::size_t> needed_for(std::size_t node) const {
    std::vector<std::size_t> list{node};
    std::vector<bool> seen(node + 1, false);
    seen[node] = true;
    for (std::size_t i = 0; i < list.size(); ++i) {
      for (const std::size_t v : graph_.nodes[list[i]].reads) {
        const std::size_t producer = graph_.values[v].producer;
        if (producer == kNoNode || covered_[producer] || seen[producer]) continue;
        seen[producer] = true;
        list.push_back(producer);
      }
    }
    std::ranges::sort(list);
    return list;
  }

  // Values that nodes outside `covers` and the covered ones will still read. Only those that `covers` touches differ
  // between candidates, so the others are not counted.
  std::size_t open_after(const std::vector<std::size_t> &covers) const {
    std::vector<std::size_t> touched;
    for (const std::size_t n : covers) {
      touched.insert(touched.end(), graph_.nodes[n].writes.begin(), graph_.nodes[n].writes.end());
    }
    touched.insert(touched.end(), at_start_.begin(), at_start_.end());
    std::ranges::sort(touched);
    const auto twice = std::ranges::unique(touched);
    touched.erase(twice.begin(), twice.end());
    const auto later = [&](std::size_t n) { return !covered_[n] && !std::ranges::binary_search(covers, n); };
    return static_cast<std::size_t>(std::ranges::count_if(touched, [&](std::size_t v) {
      const FlowValue &value = graph_.values[v];
      const bool is_there = value.producer == kNoNode || !later(value.producer);
      return is_there && std::ranges::any_of(value.readers, later);
    }));
  }

  // Counted as open_after() counts, for what must be computed before `start`.
  std::size_t open_before(std::size_t start) const {
    std::vector<std::size_t> before = needed_for(start);
    before.pop_back();
    return open_after(before);
  }

  std::vector<Candidate> candidates_from(std::size_t start) {
    std::vector<Candidate> found;
    at_start_.clear();
    std::vector<std::vector<std::size_t>> covers;
    for (std::size_t end = start; end < graph_.nodes.size(); end = next_[end]) {
      covers.push_back(needed_for(end));
      if (length_of(learning_part(covers.back())) > std::max(rule_.size, rule_.branch) + 1) {
        covers.pop_back();
        break;
      }
    }
    // What is open at the start and what candidates read: the same values for all, so that counts compare.
    for (const auto &each : covers) {
      for (const std::size_t n : each) {
        at_start_.insert(at_start_.end(), graph_.nodes[n].reads.begin(), graph_.nodes[n].reads.end());
      }
    }
    for (std::vector<std::size_t> &each : covers) {
      Candidate candidate;
      candidate.block.nodes = learning_part(each);
      if (std::ranges::any_of(candidate.block.nodes, [&](std::size_t n) { return graph_.nodes[n].barrier; })) break;
      candidate.length = length_of(candidate.block.nodes);
      add_side_paths(each, candidate.block.nodes);
      candidate.covers = std::move(each);
      if (!find_ends(candidate.block)) continue;
      candidate.open = open_after(candidate.covers);
      found.push_back(std::move(candidate));
    }
    return found;
  }

  // Of these nodes those that learn and those behind them.
  std::vector<std::size_t> learning_part(const std::vector<std::size_t> &nodes) const {
    std::vector<std::size_t> part;
    for (const std::size_t n : nodes) {
      const bool behind = std::ranges::any_of(graph_.nodes[n].reads, [&](std::size_t v) {
        const std::size_t producer = graph_.values[v].producer;
        return producer != kNoNode && std::ranges::binary_search(part, producer);
      });
      if (behind || graph_.nodes[n].learns) part.push_back(n);
    }
    return part;
  }

  // Takes in what computes a value for the block alone from values that it reads anyway, such as the shortcut of a
  // residual block that is sliced and padded: it would be one more entry.
  void add_side_paths(const std::vector<std::size_t> &covers, std::vector<std::size_t> &block) const {
    const auto in_block = [&](std::size_t n) { return n != kNoNode && std::ranges::binary_search(block, n); };
    std::vector<std::size_t> read;
    for (const std::size_t n : block)
      read.insert(read.end(), graph_.nodes[n].reads.begin(), graph_.nodes[n].reads.end());
    std::vector<std::size_t> side;  // a path from such values, longer by one node each time; whole ones are taken
    for (auto at = covers.rbegin(); at != covers.rend(); ++at) {
      const FlowNode &node = graph_.nodes[*at];
      if (in_block(*at) || node.barrier) continue;
      const auto stays = [&](std::size_t v) {
        const FlowValue &value = graph_.values[v];
        return !value.kept && std::ranges::all_of(value.readers, [&](std::size_t n) {
          return in_block(n) || std::ranges::find(side, n) != side.end();
        });
      };
      if (!std::ranges::all_of(node.writes, stays)) continue;
      side.push_back(*at);
      const bool closed = std::ranges::all_of(node.reads, [&](std::size_t v) {
        return in_block(graph_.values[v].producer) || std::ranges::find(read, v) != read.end();
      });
      if (!closed) continue;
      // The nodes behind it that only it made possible.
      std::vector<std::size_t> path{*at};
      for (std::size_t i = side.size(); i-- > 0;) {
        const auto from_path = [&](std::size_t v) {
          return std::ranges::find(path, graph_.values[v].producer) != path.end() ||
                 in_block(graph_.values[v].producer) || std::ranges::find(read, v) != read.end();
        };
        if (side[i] != *at && std::ranges::all_of(graph_.nodes[side[i]].reads, from_path)) path.push_back(side[i]);
      }
      const auto inside = [&](std::size_t n) { return in_block(n) || std::ranges::find(path, n) != path.end(); };
      const bool whole = std::ranges::all_of(path, [&](std::size_t n) {
        return std::ranges::all_of(graph_.nodes[n].writes, [&](std::size_t v) {
          return std::ranges::all_of(graph_.values[v].readers, inside);
        });
      });
      if (!whole) continue;
      for (const std::size_t n : path) std::erase(side, n);
      block.insert(block.end(), path.begin(), path.end());
      std::ranges::sort(block);
    }
  }

  unsigned length_of(const std::vector<std::size_t> &nodes) const {
    std::vector<unsigned> length(nodes.size(), 0);
    unsigned longest = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      for (const std::size_t v : graph_.nodes[nodes[i]].reads) {
        const auto at = std::ranges::lower_bound(nodes, graph_.values[v].producer);
        if (at != nodes.end() && *at == graph_.values[v].producer) {
          length[i] = std::max(length[i], length[static_cast<std::size_t>(at - nodes.begin())]);
        }
      }
      length[i] += graph_.nodes[nodes[i]].length;
      longest = std::max(longest, length[i]);
    }
    return longest;
  }

  // Entries and exit; false where more leaves than one value of the last node.
  bool find_ends(Block &block) const {
    std::vector<std::size_t> exits;
    for (const std::size_t n : block.nodes) {
      for (const std::size_t v : graph_.nodes[n].reads) {
        const std::size_t producer = graph_.values[v].producer;
        if (producer == kNoNode || !std::ranges::binary_search(block.nodes, producer)) block.entries.push_back(v);
      }
      for (const std::size_t v : graph_.nodes[n].writes) {
        const FlowValue &value = graph_.values[v];
        const bool leaves = value.kept || std::ranges::any_of(value.readers, [&](std::size_t reader) {
                              return !std::ranges::binary_search(block.nodes, reader);
                            });
        if (leaves) exits.push_back(v);
      }
    }
    std::ranges::sort(block.entries);
    const auto twice = std::ranges::unique(block.entries);
    block.entries.erase(twice.begin(), twice.end());
    if (exits.size() != 1 || block.entries.empty() || graph_.values[exits.front()].producer != block.nodes.back()) {
      return false;
    }
    block.exit = exits.front();
    return true;
  }

  // The fewest open values, then the farthest; one is as good as none. Beyond the size only where a cut within it would
  // leave more open than the start has, and then the nearest.
  std::size_t choose(const std::vector<Candidate> &candidates, std::size_t before) const {
    const auto open = [&](std::size_t i) { return std::max<std::size_t>(candidates[i].open, 1); };
    std::size_t best = 0, next = 1;
    for (; next < candidates.size() && candidates[next].length <= rule_.size + 1; ++next) {
      if (open(next) <= open(best)) best = next;
    }
    before = std::max<std::size_t>(before, 1);
    if (open(best) <= before) return best;
    std::size_t longer = best;
    for (std::size_t i = next; i < candidates.size(); ++i) {
      if (open(i) < open(longer)) longer = i;
    }
    return open(longer) <= before ? longer : best;
  }

  const FlowGraph &graph_;
  const BlockRule &rule_;
  std::vector<std::size_t> next_;
  std::vector<bool> covered_;
  std::vector<std::size_t> at_start_;
};

}  // namespace

std::vector<Block> find_blocks(const FlowGraph &graph, const BlockRule &rule) {
  return Finder(graph, rule).find();
}

}  // namespace halftone::passes
