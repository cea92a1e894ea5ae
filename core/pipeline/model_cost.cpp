#include "core/pipeline/model_cost.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "halftone/cost.h"

namespace halftone::pipeline {

std::optional<ModelCost> model_cost(const Runner &runner) {
  host::TargetService *target = runner.target();
  if (target == nullptr || target->cost_unit().empty()) return std::nullopt;
  target->forget();
  const host::WorkingModel &working = runner.model();
  const model::Model &m = working.model;
  ModelCost out;
  out.unit = target->cost_unit();
  for (const model::Handle graph : m.graphs()) {
    for (const model::Handle handle : m.topological_order(graph)) {
      const model::Node &node = m.node(handle);
      if (node.domain.empty() && node.op_type == "Constant") continue;
      host::NodeRule rule;
      target->node_rule(working, handle, rule);
      const host::NodeCost cost = target->node_cost(working, handle, HT_COST_AS_DISPATCHED, 0);
      const std::string type = node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
      for (CostSum *sum : {&out.by_type[type], &out.all}) {
        ++sum->nodes;
        sum->unknown += cost.known ? 0 : 1;
        (rule.quantized ? sum->quantized : sum->in_float) += cost.cost;
      }
      out.nodes.push_back({handle, node.name, type, rule.quantized, cost});
    }
  }
  return out;
}

std::string cost_text(const ModelCost &cost) {
  const CostSum &all = cost.all;
  std::string text = fmt::format("{:.0f} {} a sample", all.quantized + all.in_float, cost.unit);
  if (all.in_float > 0) text += fmt::format(", {:.0f} of them in float", all.in_float);
  if (all.unknown > 0) text += fmt::format("; no hint for {} of {} nodes", all.unknown, all.nodes);
  return text;
}

void add_figures(const ModelCost &cost, nlohmann::ordered_json &figures) {
  nlohmann::ordered_json types, nodes;
  for (const auto &[type, sum] : cost.by_type) {
    types[type] = {
        {"nodes", sum.nodes}, {"unknown", sum.unknown}, {"quantized", sum.quantized}, {"float", sum.in_float}};
  }
  for (const NodeCostLine &line : cost.nodes) {
    nodes.push_back({{"node", line.name},
                     {"type", line.type},
                     {"quantized", line.quantized},
                     {"known", line.cost.known},
                     {"cost", line.cost.cost},
                     {"products", line.cost.products},
                     {"elements", line.cost.elements}});
  }
  figures["cost"] = {{"unit", cost.unit},          {"quantized", cost.all.quantized},
                     {"float", cost.all.in_float}, {"unknown", cost.all.unknown},
                     {"operators", types},         {"nodes", nodes}};
}

}  // namespace halftone::pipeline
