#include "core/cli/model_cost.h"

#include <map>

#include <fmt/format.h>

#include "halftone/cost.h"

namespace halftone::cli {
namespace {

struct Sum {
  double quantized = 0, in_float = 0;
  std::size_t nodes = 0, unknown = 0;
};

}  // namespace

void add_model_cost(const pipeline::Runner &runner, Table &table, nlohmann::ordered_json &figures) {
  host::TargetService *target = runner.target();
  if (target == nullptr || target->cost_unit().empty()) return;
  target->forget();
  const host::WorkingModel &working = runner.model();
  const model::Model &m = working.model;
  std::map<std::string, Sum> by_type;
  Sum all;
  nlohmann::ordered_json nodes;
  for (const model::Handle graph : m.graphs()) {
    for (const model::Handle handle : m.topological_order(graph)) {
      const model::Node &node = m.node(handle);
      if (node.domain.empty() && node.op_type == "Constant") continue;
      host::NodeRule rule;
      target->node_rule(working, handle, rule);
      const host::NodeCost cost = target->node_cost(working, handle, HT_COST_AS_DISPATCHED, 0);
      const std::string type = node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
      for (Sum *sum : {&by_type[type], &all}) {
        ++sum->nodes;
        sum->unknown += cost.known ? 0 : 1;
        (rule.quantized ? sum->quantized : sum->in_float) += cost.cost;
      }
      nodes.push_back({{"node", node.name},
                       {"type", type},
                       {"quantized", rule.quantized},
                       {"known", cost.known},
                       {"cost", cost.cost},
                       {"products", cost.products},
                       {"elements", cost.elements}});
    }
  }
  const std::string unit = target->cost_unit();
  std::string text = fmt::format("{:.0f} {} a sample", all.quantized + all.in_float, unit);
  if (all.in_float > 0) text += fmt::format(", {:.0f} of them in float", all.in_float);
  if (all.unknown > 0) text += fmt::format("; no hint for {} of {} nodes", all.unknown, all.nodes);
  table.add({"cost", text});
  nlohmann::ordered_json types;
  for (const auto &[type, sum] : by_type) {
    types[type] = {
        {"nodes", sum.nodes}, {"unknown", sum.unknown}, {"quantized", sum.quantized}, {"float", sum.in_float}};
  }
  figures["cost"] = {{"unit", unit},           {"quantized", all.quantized}, {"float", all.in_float},
                     {"unknown", all.unknown}, {"operators", types},         {"nodes", nodes}};
}

}  // namespace halftone::cli
