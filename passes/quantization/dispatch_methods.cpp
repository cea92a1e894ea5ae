#include "dispatch_methods.h"

#include <algorithm>
#include <utility>

namespace halftone::passes {
namespace {

using Nodes = std::vector<DispatchNode>;
using Set = std::vector<bool>;

template <typename Test>
std::vector<std::size_t> where(const Nodes &nodes, const Test &test) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (test(i)) found.push_back(i);
  }
  return found;
}

std::vector<std::size_t> computing(const Nodes &nodes) {
  return where(nodes, [&](std::size_t i) { return nodes[i].computing; });
}

// Behind weighted operators, as long as the platform quantizes what comes.
Set on_quantizable_paths(const Nodes &nodes, bool ppq_paths) {
  const auto may = [&](std::size_t i) { return nodes[i].quantizable; };
  const std::vector<std::size_t> starts =
      where(nodes, [&](std::size_t i) { return nodes[i].computing && nodes[i].quantizable; });
  if (!ppq_paths) return reached_by_data(nodes, starts, Direction::kDown, may);
  Set on_path(nodes.size(), false);
  std::vector<std::size_t> first;
  for (const std::size_t start : starts) {
    on_path[start] = !nodes[start].data_readers.empty();
    for (const std::size_t next : nodes[start].data_readers) {
      if (may(next)) first.push_back(next);
    }
  }
  const Set behind = reached_by_data(nodes, first, Direction::kDown, may);
  for (std::size_t i = 0; i < nodes.size(); ++i) on_path[i] = on_path[i] || behind[i];
  return on_path;
}

// Between two convolutions, all on the way quantizable; with the convolutions at both ends.
Set between_convolutions(const Nodes &nodes) {
  const auto is_conv = [&](std::size_t i) { return nodes[i].op_type == "Conv" && nodes[i].quantizable; };
  const auto may = [&](std::size_t i) { return nodes[i].quantizable; };
  const auto beyond = [&](Direction direction) {
    std::vector<std::size_t> first;
    for (const std::size_t conv : where(nodes, is_conv)) {
      const DispatchNode &node = nodes[conv];
      for (const std::size_t next : direction == Direction::kDown ? node.data_readers : node.data_writers) {
        if (may(next)) first.push_back(next);
      }
    }
    return reached_by_data(nodes, first, direction, may);
  };
  const Set after = beyond(Direction::kDown), before = beyond(Direction::kUp);
  Set between(nodes.size(), false);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    between[i] = is_conv(i) ? after[i] || before[i] : after[i] && before[i];
  }
  return between;
}

// Nodes around shapes and indices: what feeds slots for these, what comes of operators that give nothing else, and what
// feeds those in turn. The walk stops at `barrier`.
Set around_shapes(const Nodes &nodes, const Set &barrier) {
  Set found(nodes.size(), false);
  const auto walk = [&](std::vector<std::size_t> open, Direction direction) {
    for (const std::size_t start : open) found[start] = true;
    while (!open.empty()) {
      const DispatchNode &at = nodes[open.back()];
      open.pop_back();
      const bool down = direction == Direction::kDown;
      for (const auto *list :
           {down ? &at.data_readers : &at.data_writers, down ? &at.other_readers : &at.other_writers}) {
        for (const std::size_t next : *list) {
          if (found[next] || barrier[next]) continue;
          found[next] = true;
          open.push_back(next);
        }
      }
    }
  };
  walk(where(nodes, [&](std::size_t i) { return nodes[i].gives_no_data; }), Direction::kDown);
  std::vector<std::size_t> receivers =
      where(nodes, [&](std::size_t i) { return found[i] || !nodes[i].other_readers.empty(); });
  std::erase_if(receivers, [&](std::size_t i) { return barrier[i]; });
  walk(std::move(receivers), Direction::kUp);
  return found;
}

std::string quoted(const DispatchNode &node) {
  return node.op_type + " '" + node.name + "'";
}

// Relu and Clip run where the operator before them runs.
void follow_producers(const Nodes &nodes, std::vector<Verdict> &verdicts) {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if ((nodes[i].op_type != "Relu" && nodes[i].op_type != "Clip") || nodes[i].data_writers.empty()) continue;
    const std::size_t before = nodes[i].data_writers.front();
    if (verdicts[before].code == verdicts[i].code || !nodes[i].quantizable) continue;
    verdicts[i].code = verdicts[before].code;
    verdicts[i].reason = "it runs where " + quoted(nodes[before]) + " before it runs, which is in float";
  }
}

// What the platform says: quantized, or in float for a reason that it gives.
Verdict by_platform(const DispatchNode &node) {
  if (node.quantizable) return {HT_DISPATCH_QUANTIZE, {}};
  return {HT_DISPATCH_FLOAT, node.hindrance.empty() ? "the platform has no quantized form of it" : node.hindrance};
}

// A set of nodes to quantize, with shapes and indices told apart.
std::vector<Verdict> with_shapes(const Nodes &nodes, const Set &quantized, const std::string &reason, bool follow) {
  Set barrier = quantized;
  for (const std::size_t i : computing(nodes)) barrier[i] = true;
  Set shapes = around_shapes(nodes, barrier);
  const Set data = reached_by_data(nodes, computing(nodes), Direction::kDown, [](std::size_t) { return true; });
  // What another node reads as data is no shape, though a shape may be taken of it too. Readers are settled first.
  for (std::size_t i = nodes.size(); i-- > 0;) {
    const auto is_data = [&](std::size_t reader) { return !shapes[reader] && !nodes[reader].gives_no_data; };
    if (data[i] || std::ranges::any_of(nodes[i].data_readers, is_data)) shapes[i] = false;
  }
  std::vector<Verdict> verdicts(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (shapes[i]) {
      verdicts[i] = {HT_DISPATCH_SHAPE, "it computes shapes or indices, or only feeds what does"};
    } else if (quantized[i] && nodes[i].quantizable) {
      verdicts[i] = {HT_DISPATCH_QUANTIZE, {}};
    } else {
      verdicts[i] = nodes[i].quantizable ? Verdict{HT_DISPATCH_FLOAT, reason} : by_platform(nodes[i]);
    }
  }
  if (follow) follow_producers(nodes, verdicts);
  return verdicts;
}

std::vector<Verdict> all_in(const Nodes &nodes) {
  std::vector<Verdict> verdicts;
  for (const DispatchNode &node : nodes) verdicts.push_back(by_platform(node));
  return verdicts;
}

// All that is connected by data, in both directions.
Set connected(const Nodes &nodes, std::vector<std::size_t> open) {
  Set found(nodes.size(), false);
  for (const std::size_t start : open) found[start] = true;
  while (!open.empty()) {
    const DispatchNode &at = nodes[open.back()];
    open.pop_back();
    for (const auto *list : {&at.data_readers, &at.data_writers}) {
      for (const std::size_t next : *list) {
        if (found[next]) continue;
        found[next] = true;
        open.push_back(next);
      }
    }
  }
  return found;
}

// What is connected with weighted operators is quantized, what is connected with shapes and indices is not.
std::vector<Verdict> perseus(const Nodes &nodes) {
  const Set data = connected(nodes, computing(nodes));
  std::vector<std::size_t> beside;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool reads_data = !nodes[i].data_writers.empty();
    // One that only takes the shape of data is an end of the data, not a beginning of shapes.
    const bool gives_others = !nodes[i].other_readers.empty() && !(nodes[i].gives_no_data && reads_data);
    const bool reads_others_only = !nodes[i].other_writers.empty() && !reads_data;
    if (gives_others || reads_others_only) beside.push_back(i);
  }
  const Set shapes = connected(nodes, beside);
  std::vector<Verdict> verdicts(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (data[i] && !shapes[i]) {
      verdicts[i] = by_platform(nodes[i]);
    } else if (data[i]) {
      verdicts[i] = {HT_DISPATCH_FLOAT, "it is connected with data and with shapes or indices (dispatcher perseus)"};
    } else if (shapes[i]) {
      verdicts[i] = {HT_DISPATCH_SHAPE, "it computes shapes or indices, or only feeds what does"};
    } else {
      verdicts[i] = {HT_DISPATCH_FLOAT, "it is not connected with any weighted operator (dispatcher perseus)"};
    }
  }
  return verdicts;
}

Set all_behind_computing(const Nodes &nodes) {
  return reached_by_data(nodes, computing(nodes), Direction::kDown, [](std::size_t) { return true; });
}

Set only_computing(const Nodes &nodes) {
  Set quantized(nodes.size(), false);
  for (const std::size_t i : computing(nodes)) quantized[i] = true;
  return quantized;
}

}  // namespace

std::vector<Verdict> dispatch_by(std::string_view method, const Nodes &nodes, bool ppq_paths) {
  if (method == "allin") return all_in(nodes);
  if (method == "perseus") return perseus(nodes);
  if (method == "pplnn") {
    return with_shapes(nodes, between_convolutions(nodes),
                       "it lies on no path of quantizable operators from a Conv to a Conv (dispatcher pplnn)", true);
  }
  if (method == "aggressive") {
    return with_shapes(nodes, all_behind_computing(nodes),
                       "no weighted operator comes before it (dispatcher aggressive)", true);
  }
  if (method == "pointwise") {
    return with_shapes(nodes, only_computing(nodes), "it is no weighted operator (dispatcher pointwise)", false);
  }
  return with_shapes(nodes, on_quantizable_paths(nodes, ppq_paths),
                     "no path of quantizable operators leads to it from a weighted one (dispatcher conservative)",
                     true);
}

}  // namespace halftone::passes
