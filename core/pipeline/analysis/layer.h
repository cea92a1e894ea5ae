// One operator of a quantized model by itself: its configs, and the part of the model that has to run for it.
#pragma once

#include <map>
#include <set>
#include <span>
#include <vector>

#include "core/host/context.h"
#include "core/pipeline/data_flow.h"

namespace halftone::pipeline {

// Convolutions, products of matrices and recurrent operators: what PPQ analyses.
bool is_computing(const model::Node &node);

// Nodes of the main graph with at least one slot that is quantized, in topological order.
std::vector<model::Handle> quantized_nodes(const host::WorkingModel &working, bool all);

// The configs of this node and no others, each with the scale that it reads, whoever owns that. Baked parameters are
// quantized by their config, as the stored tensor is the float one.
quant::ConfigTable configs_of(const host::WorkingModel &working, model::Handle node);

// What is fed and what is asked for, where only a part of the model runs.
struct Cut {
  std::vector<model::Handle> feeds, emits;
};

class Cutter {
 public:
  explicit Cutter(const model::Model &model);
  // The node and all behind it that these values depend on; emits those that do. What is fed are float values and graph
  // inputs: shapes and constants are computed again.
  Cut behind(model::Handle node, std::span<const model::Handle> values) const;
  // The same of several nodes: what depends on any of them.
  Cut behind(std::span<const model::Handle> nodes, std::span<const model::Handle> values) const;
  // The node alone, up to its outputs.
  Cut alone(model::Handle node) const;

 private:
  Cut cut(const std::set<model::Handle> &nodes, std::span<const model::Handle> values) const;
  bool is_fed(model::Handle value) const;
  const model::Model &model_;
  DataFlow flow_;
  std::vector<model::Handle> order_;
  std::set<model::Handle> varying_;  // values that depend on an input of the graph
};

// Bytes of the parameters that the part behind a cut reads.
std::uint64_t parameter_bytes(const model::Model &model, const Cut &cut);

}  // namespace halftone::pipeline
