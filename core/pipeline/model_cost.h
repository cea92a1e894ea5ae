// What a quantized model costs on its platform, by the platform's hints.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/pipeline/runner.h"

namespace halftone::pipeline {

struct CostSum {
  double quantized = 0, in_float = 0;
  std::size_t nodes = 0, unknown = 0;  // unknown: without a hint, or of a shape that is not known
};

struct NodeCostLine {
  model::Handle node = HT_NONE;
  std::string name, type;
  bool quantized = false;
  host::NodeCost cost;
};

struct ModelCost {
  std::string unit;
  CostSum all;
  std::map<std::string, CostSum> by_type;  // a type of another domain has the domain before it
  std::vector<NodeCostLine> nodes;
};

// Nothing for a platform that gives no costs. Constants cost nothing and are left out.
std::optional<ModelCost> model_cost(const Runner &runner);

// "1200 cycles a sample, 300 of them in float; no hint for 2 of 40 nodes"
std::string cost_text(const ModelCost &cost);

// `cost` with the sums of each operator type and the nodes.
void add_figures(const ModelCost &cost, nlohmann::ordered_json &figures);

}  // namespace halftone::pipeline
