#include "core/model/verify.h"

#include <unordered_set>

#include "core/base/error.h"

namespace halftone::model {
namespace {

void check_names(const Model &model, const Graph &graph, std::vector<std::string> &faults) {
  std::unordered_set<std::string_view> seen;
  for (const Handle v : graph.values) {
    const std::string &name = model.value(v).name;
    if (name.empty())
      faults.push_back(fmt::format("graph '{}' has a value without a name", graph.name));
    else if (!seen.insert(name).second)
      faults.push_back(fmt::format("two values are named '{}'", name));
  }
  seen.clear();
  for (const Handle n : graph.nodes) {
    const std::string &name = model.node(n).name;
    if (name.empty())
      faults.push_back(fmt::format("a {} node has no name", model.node(n).op_type));
    else if (!seen.insert(name).second)
      faults.push_back(fmt::format("two nodes are named '{}'", name));
  }
}

bool has_source(const Value &value) {
  return value.producer != HT_NONE || value.initializer.has_value() || value.is_input;
}

bool is_inside(const Model &model, Handle graph, Handle outer) {
  for (; graph != HT_NONE; graph = model.outer_graph(graph)) {
    if (graph == outer) return true;
  }
  return false;
}

void check_inputs(const Model &model, const Node &node, std::vector<std::string> &faults) {
  for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
    const Handle h = node.inputs[slot];
    if (h == HT_NONE) continue;
    if (!model.alive(h)) {
      faults.push_back(fmt::format("input {} of node '{}' ({}) no longer exists", slot, node.name, node.op_type));
      continue;
    }
    const Value &value = model.value(h);
    if (!has_source(value)) {
      faults.push_back(fmt::format(
          "node '{}' ({}) reads '{}', which no node produces and which is neither a constant nor a graph input",
          node.name, node.op_type, value.name));
    } else if (!is_inside(model, node.graph, value.graph)) {
      faults.push_back(fmt::format("node '{}' ({}) reads '{}', which belongs to a graph it cannot see", node.name,
                                   node.op_type, value.name));
    }
  }
}

void check_graph(const Model &model, Handle h, std::vector<std::string> &faults) {
  const Graph &graph = model.graph(h);
  check_names(model, graph, faults);
  for (const Handle n : graph.nodes) check_inputs(model, model.node(n), faults);
  for (const Handle v : graph.outputs) {
    const Value &output = model.value(v);
    if (!has_source(output)) faults.push_back(fmt::format("graph output '{}' is produced by no node", output.name));
  }
  for (const Handle v : graph.values) {
    const Value &value = model.value(v);
    if (value.producer != HT_NONE && (value.initializer || value.is_input)) {
      faults.push_back(fmt::format("value '{}' is a node's output and {} at once", value.name,
                                   value.is_input ? "a graph input" : "a constant"));
    }
  }
  try {
    model.topological_order(h);
  } catch (const Error &error) {
    faults.push_back(error.message());
  }
}

}  // namespace

std::vector<std::string> find_faults(const Model &model) {
  std::vector<std::string> faults;
  for (const Handle h : model.graphs()) check_graph(model, h, faults);
  return faults;
}

void verify(const Model &model) {
  const std::vector<std::string> faults = find_faults(model);
  if (faults.empty()) return;
  if (faults.size() == 1) throw Error(Status::kFailedPrecondition, faults.front());
  fail(Status::kFailedPrecondition, "{} (and {} other fault{})", faults.front(), faults.size() - 1,
       faults.size() == 2 ? "" : "s");
}

}  // namespace halftone::model
