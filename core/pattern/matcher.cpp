#include "core/pattern/matcher.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "core/base/error.h"
#include "core/pattern/assignment.h"
#include "core/pattern/neighbourhood.h"
#include "core/pattern/subgraph_search.h"

namespace halftone::pattern {
namespace {

// Patterns ready to be searched for, longest first.
struct Search {
  std::size_t number;
  const Pattern *pattern;
  SubgraphSearch subgraphs;
};

std::vector<Search> searches_for(std::span<const Pattern> patterns) {
  std::vector<std::size_t> order(patterns.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) { return patterns[i].operations.size(); });
  std::vector<Search> searches;
  for (const std::size_t i : order) searches.push_back({i, &patterns[i], SubgraphSearch(patterns[i])});
  return searches;
}

// The matches in one graph.
class Matcher {
 public:
  Matcher(const model::Model &model, Handle graph, const Accept &accept)
      : model_(model), graph_(graph), accept_(accept), order_(model.topological_order(graph)), constants_(model) {
    for (std::size_t i = 0; i < order_.size(); ++i) by_type_[type_of(order_[i])].push_back(i);
  }

  std::vector<Match> run(std::span<const Search> searches) {
    for (const Search &search : searches) {
      for (const std::size_t position : roots(search.pattern->operations[0])) try_root(search, position);
    }
    std::ranges::sort(found_, {}, &Found::position);
    std::vector<Match> matches;
    for (Found &found : found_) matches.push_back(std::move(found.match));
    return matches;
  }
  const std::vector<Untried> &untried() const { return untried_; }

 private:
  struct Found {
    std::size_t position;  // of the root
    Match match;
  };

  std::string type_of(Handle node) const { return model_.node(node).domain + "." + model_.node(node).op_type; }

  // Positions of nodes of the operation's types.
  std::vector<std::size_t> roots(const Operation &operation) const {
    std::vector<std::size_t> positions;
    if (operation.types.empty()) {
      positions.resize(order_.size());
      std::iota(positions.begin(), positions.end(), std::size_t{0});
      return positions;
    }
    for (const OperatorType &type : operation.types) {
      const auto found = by_type_.find(type.domain + "." + type.type);
      if (found != by_type_.end()) positions.insert(positions.end(), found->second.begin(), found->second.end());
    }
    std::ranges::sort(positions);
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    return positions;
  }

  void try_root(const Search &search, std::size_t position) {
    const auto is_free = [&](Handle node) { return taken_.count(node) == 0; };
    const Neighbourhood around = neighbourhood_of(model_, *search.pattern, order_[position], is_free);
    if (around.nodes.empty()) return;
    Attempts attempts(search.pattern->text, model_.node(order_[position]).name);
    bool refused = false;
    const auto take = [&](std::span<const Handle> nodes) {
      std::optional<std::vector<Handle>> inner = inner_values(nodes);
      if (!inner) return false;
      auto values = assign_inputs(model_, *search.pattern, nodes, constants_, attempts);
      if (!values) return false;
      Match match{search.number, graph_, {nodes.begin(), nodes.end()}, std::move(*values), std::move(*inner)};
      refused = accept_ && !accept_(match);
      if (refused) return false;
      taken_.insert(nodes.begin(), nodes.end());
      found_.push_back({position, std::move(match)});
      return true;
    };
    try {
      search.subgraphs.run(model_, around, attempts, take);
    } catch (const Error &error) {
      // Of a symmetric pattern that may not stand here all ways are tried: too many of them are no fault of the text.
      if (!refused || error.status() != Status::kResourceExhausted) throw;
      untried_.push_back({search.number, order_[position]});
    }
  }

  // The values between the nodes; nullopt when something outside sees one.
  std::optional<std::vector<Handle>> inner_values(std::span<const Handle> nodes) const {
    std::vector<Handle> inner;
    for (const Handle node : nodes.subspan(1)) {
      for (const Handle output : model_.node(node).outputs) {
        if (output == HT_NONE) continue;
        const model::Value &value = model_.value(output);
        if (value.is_output) return std::nullopt;
        for (const model::Use &use : value.consumers) {
          if (std::ranges::find(nodes, use.node) == nodes.end()) return std::nullopt;
        }
        if (!value.consumers.empty()) inner.push_back(output);
      }
    }
    return inner;
  }

  const model::Model &model_;
  Handle graph_;
  const Accept &accept_;
  std::vector<Handle> order_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_type_;  // positions in order_
  Constants constants_;
  std::unordered_set<Handle> taken_;
  std::vector<Found> found_;
  std::vector<Untried> untried_;
};

}  // namespace

std::vector<Match> find(const model::Model &model, Handle graph, std::span<const Pattern> patterns) {
  const Accept all;
  return Matcher(model, graph, all).run(searches_for(patterns));
}

std::vector<Match> find(const model::Model &model, std::span<const Pattern> patterns, const Accept &accept,
                        std::vector<Untried> *untried) {
  const std::vector<Search> searches = searches_for(patterns);
  std::vector<Match> matches;
  for (const Handle graph : model.graphs()) {
    Matcher matcher(model, graph, accept);
    for (Match &match : matcher.run(searches)) matches.push_back(std::move(match));
    if (untried != nullptr) untried->insert(untried->end(), matcher.untried().begin(), matcher.untried().end());
  }
  return matches;
}

}  // namespace halftone::pattern
