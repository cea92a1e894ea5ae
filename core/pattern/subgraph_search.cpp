#include "core/pattern/subgraph_search.h"

#include <algorithm>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/vf2_sub_graph_iso.hpp>
#pragma GCC diagnostic pop

namespace halftone::pattern {
namespace {

struct Bond {
  std::vector<Link> links;
  bool any_order = false;  // the consumer takes its inputs in any order
};

using BoostGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, boost::no_property, Bond>;
using Vertex = boost::graph_traits<BoostGraph>::vertex_descriptor;
using BoostEdge = boost::graph_traits<BoostGraph>::edge_descriptor;

// Whether a bond of the model has all that the pattern's needs.
bool covers(const Bond &have, const Bond &wanted) {
  if (!have.any_order) {
    return std::ranges::all_of(
        wanted.links, [&](const Link &link) { return std::ranges::find(have.links, link) != have.links.end(); });
  }
  return std::ranges::all_of(wanted.links, [&](const Link &link) {
    return std::ranges::count(have.links, link.output, &Link::output) >=
           std::ranges::count(wanted.links, link.output, &Link::output);
  });
}

// The root first, then what is connected to those before.
std::vector<Vertex> order_from_root(const BoostGraph &graph) {
  std::vector<Vertex> order = {0};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (const auto &edge : boost::make_iterator_range(boost::in_edges(order[i], graph))) {
      const Vertex producer = boost::source(edge, graph);
      if (std::ranges::find(order, producer) == order.end()) order.push_back(producer);
    }
  }
  return order;
}

}  // namespace

struct SubgraphSearch::Graph {
  BoostGraph graph;
  std::vector<Vertex> order;
};

SubgraphSearch::SubgraphSearch(const Pattern &pattern) {
  auto made = std::make_unique<Graph>();
  made->graph = BoostGraph(pattern.operations.size());
  for (std::size_t consumer = 0; consumer < pattern.operations.size(); ++consumer) {
    const std::vector<Term> &terms = pattern.operations[consumer].inputs;
    for (std::uint32_t slot = 0; slot < terms.size(); ++slot) {
      if (terms[slot].kind != Term::Kind::kOperation) continue;
      auto [edge, exists] = boost::edge(terms[slot].index, consumer, made->graph);
      if (!exists) edge = boost::add_edge(terms[slot].index, consumer, made->graph).first;
      made->graph[edge].links.push_back({terms[slot].output, slot});
    }
  }
  made->order = order_from_root(made->graph);
  pattern_ = std::move(made);
}

SubgraphSearch::SubgraphSearch(SubgraphSearch &&) noexcept = default;
SubgraphSearch::~SubgraphSearch() = default;

bool SubgraphSearch::run(const model::Model &model, const Neighbourhood &around, Attempts &attempts,
                         const std::function<bool(std::span<const Handle>)> &accept) const {
  BoostGraph graph(around.nodes.size());
  for (const Edge &edge : around.edges) {
    const model::Node &consumer = model.node(around.nodes[edge.consumer]);
    boost::add_edge(edge.producer, edge.consumer, Bond{edge.links, is_commutative(consumer.domain, consumer.op_type)},
                    graph);
  }
  const auto vertices_match = [&](Vertex operation, Vertex node) {
    attempts.count();
    return (around.roles[node] >> operation & 1U) != 0 && (operation == 0) == (node == 0);
  };
  const auto edges_match = [&](BoostEdge wanted, BoostEdge have) {
    return covers(graph[have], pattern_->graph[wanted]);
  };
  bool accepted = false;
  std::vector<Handle> nodes(boost::num_vertices(pattern_->graph));
  const auto found = [&](const auto &to_node, const auto &) {
    for (Vertex operation = 0; operation < nodes.size(); ++operation) {
      nodes[operation] = around.nodes[boost::get(to_node, operation)];
    }
    accepted = accept(nodes);
    return !accepted;  // false ends the search
  };
  boost::vf2_subgraph_mono(pattern_->graph, graph, found, pattern_->order,
                           boost::edges_equivalent(edges_match).vertices_equivalent(vertices_match));
  return accepted;
}

}  // namespace halftone::pattern
