// Follows channels through a graph; see channel_classes.h.
#pragma once

#include "channel_classes.h"

namespace halftone::passes {

// Sets of labels that grow together.
class LabelSets {
 public:
  std::uint32_t add();
  std::uint32_t root(std::uint32_t label);
  void unite(std::uint32_t a, std::uint32_t b);
  void freeze(std::uint32_t label) { frozen_[root(label)] = 1; }
  bool is_frozen(std::uint32_t label) { return frozen_[root(label)] != 0; }
  std::size_t size() const { return parent_.size(); }

 private:
  std::vector<std::uint32_t> parent_;
  std::vector<std::uint8_t> frozen_;
};

class ClassFinder {
 public:
  ClassFinder(const sdk::Graph &graph, const ClassOptions &options, ChannelClasses &out)
      : graph_(graph), options_(options), out_(out) {}
  void visit(ht_handle node);
  // After all nodes: freezes what leaves the graph, and numbers the classes and sites.
  void finish();

 private:
  std::vector<std::uint32_t> fresh(std::size_t count);
  Labels *find(ht_handle value);
  void freeze(ht_handle value);
  void freeze_inputs(const sdk::Node &node);
  void set(ht_handle value, Labels labels);
  void visit_layer(const sdk::Node &node, WeightedLayer layer);
  bool visit_sum(const sdk::Node &node);
  bool visit_addend(const sdk::Node &node);
  bool visit_concat(const sdk::Node &node);
  bool visit_clip(const sdk::Node &node);
  bool visit_gate(const sdk::Node &node);
  bool visit_norm(const sdk::Node &node);
  void start_channels(const sdk::Node &node, std::size_t rank, std::size_t axis, std::size_t count,
                      std::initializer_list<std::uint32_t> constants);
  bool visit_relay(const sdk::Node &node);
  bool is_seen_elsewhere(ht_handle value) const;
  void number_classes();
  void number_sites();

  const sdk::Graph &graph_;
  const ClassOptions &options_;
  ChannelClasses &out_;
  LabelSets sets_, places_;  // places: one for each run of fresh labels, united where values meet
  std::vector<std::uint32_t> place_of_;
  std::vector<ht_handle> norms_;  // values that normalizations make
};

}  // namespace halftone::passes
