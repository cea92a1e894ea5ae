// Edits of nodes and of what joins them. Each checks everything first, so that an edit that throws changed nothing.
#include <algorithm>

#include "core/base/error.h"
#include "core/model/model.h"

namespace halftone::model {
namespace {

void erase_handle(std::vector<Handle> &list, Handle h) {
  const auto found = std::find(list.begin(), list.end(), h);
  if (found != list.end()) list.erase(found);
}

bool holds_graph(const Attribute *attribute, Handle graph) {
  if (attribute == nullptr) return false;
  if (const auto *one = std::get_if<Handle>(&attribute->data)) return *one == graph;
  const auto *many = std::get_if<Attribute::Subgraphs>(&attribute->data);
  return many != nullptr && std::find(many->graphs.begin(), many->graphs.end(), graph) != many->graphs.end();
}

std::vector<Handle> graphs_of(const Attribute &attribute) {
  if (const auto *one = std::get_if<Handle>(&attribute.data)) return {*one};
  if (const auto *many = std::get_if<Attribute::Subgraphs>(&attribute.data)) return many->graphs;
  return {};
}

}  // namespace

Handle Model::add_graph(std::string graph_name, Handle owner) {
  if (owner != HT_NONE) node(owner);
  ++revision_;
  Graph added;
  added.name = std::move(graph_name);
  added.owner = owner;
  return graphs_.add(HandleKind::kGraph, std::move(added));
}

void Model::rename_graph(Handle h, std::string new_name) {
  graph_at(h).name = std::move(new_name);
  ++revision_;
}

Handle Model::add_node(Handle graph_handle, std::string op_type, std::string domain, std::string node_name,
                       std::span<const Handle> inputs, std::span<const Handle> outputs) {
  if (op_type.empty()) fail(Status::kInvalidArgument, "a node needs an operator type");
  if (node_name.empty()) {
    node_name = unique_node_name(fmt::format("{}_{}", op_type, graph(graph_handle).nodes.size()));
  }
  for (Handle g = graph_handle; g != HT_NONE; g = outer_graph(g)) {
    if (find_node(g, node_name) != HT_NONE) {
      fail(Status::kAlreadyExists, "there is already a node named '{}'; ask for a unique name", node_name);
    }
  }
  for (const Handle v : inputs) {
    if (v != HT_NONE) require_visible(v, graph_handle);
  }
  Node added;
  added.graph = graph_handle;
  added.name = std::move(node_name);
  added.op_type = std::move(op_type);
  added.domain = domain == "ai.onnx" ? std::string() : std::move(domain);
  Graph &target = graph_at(graph_handle);
  const Handle h = nodes_.add(HandleKind::kNode, std::move(added));
  target.nodes.push_back(h);
  node_names_.insert(node(h).name, h);
  try {
    for (std::uint32_t i = 0; i < inputs.size(); ++i) set_input(h, i, inputs[i]);
    for (std::uint32_t i = 0; i < outputs.size(); ++i) set_output(h, i, outputs[i]);
  } catch (...) {
    remove_node(h);
    throw;
  }
  ++revision_;
  return h;
}

void Model::remove_node(Handle h) {
  const Node removed = node(h);  // a copy: the object dies below
  for (std::uint32_t i = 0; i < removed.inputs.size(); ++i) drop_use(removed.inputs[i], {h, i});
  for (const Handle v : removed.outputs) {
    if (v != HT_NONE) value_at(v).producer = HT_NONE;
  }
  for (const auto &[key, attribute] : removed.attributes) drop_subgraphs(attribute, nullptr);
  erase_handle(graph_at(removed.graph).nodes, h);
  node_names_.erase(removed.name, h);
  nodes_.remove(h);
  ++revision_;
}

void Model::drop_use(Handle value_handle, Use use) {
  if (value_handle == HT_NONE) return;
  std::vector<Use> &uses = value_at(value_handle).consumers;
  const auto found = std::find(uses.begin(), uses.end(), use);
  if (found != uses.end()) uses.erase(found);
}

void Model::set_input(Handle h, std::uint32_t slot, Handle value_handle) {
  if (value_handle != HT_NONE) require_visible(value_handle, node(h).graph);
  Node &edited = node_at(h);
  if (slot >= edited.inputs.size()) edited.inputs.resize(slot + std::size_t{1}, HT_NONE);
  if (edited.inputs[slot] == value_handle) return;
  drop_use(edited.inputs[slot], {h, slot});
  edited.inputs[slot] = value_handle;
  if (value_handle != HT_NONE) value_at(value_handle).consumers.push_back({h, slot});
  ++revision_;
}

void Model::set_output(Handle h, std::uint32_t slot, Handle value_handle) {
  const Node &before = node(h);
  if (value_handle != HT_NONE) {
    const Value &wanted = value(value_handle);
    const bool same_place = wanted.producer == h && wanted.producer_slot == slot;
    if (wanted.producer != HT_NONE && !same_place) {
      fail(Status::kFailedPrecondition, "value '{}' is already produced by node '{}'; a value has one producer",
           wanted.name, node(wanted.producer).name);
    }
    if (wanted.initializer || wanted.is_input) {
      fail(Status::kFailedPrecondition, "value '{}' is {} and cannot be a node's output too", wanted.name,
           wanted.is_input ? "a graph input" : "a constant");
    }
    if (wanted.graph != before.graph) {
      fail(Status::kInvalidArgument, "value '{}' belongs to another graph than node '{}'", wanted.name, before.name);
    }
  }
  Node &edited = node_at(h);
  if (slot >= edited.outputs.size()) edited.outputs.resize(slot + std::size_t{1}, HT_NONE);
  if (edited.outputs[slot] == value_handle) return;
  if (edited.outputs[slot] != HT_NONE) value_at(edited.outputs[slot]).producer = HT_NONE;
  edited.outputs[slot] = value_handle;
  if (value_handle != HT_NONE) {
    Value &produced = value_at(value_handle);
    produced.producer = h;
    produced.producer_slot = slot;
  }
  ++revision_;
}

void Model::resize_inputs(Handle h, std::uint32_t count) {
  Node &edited = node_at(h);
  for (auto i = static_cast<std::uint32_t>(edited.inputs.size()); i > count; --i)
    drop_use(edited.inputs[i - 1], {h, i - 1});
  edited.inputs.resize(count, HT_NONE);
  ++revision_;
}

void Model::resize_outputs(Handle h, std::uint32_t count) {
  Node &edited = node_at(h);
  for (std::size_t i = count; i < edited.outputs.size(); ++i) {
    if (edited.outputs[i] != HT_NONE) value_at(edited.outputs[i]).producer = HT_NONE;
  }
  edited.outputs.resize(count, HT_NONE);
  ++revision_;
}

void Model::set_op_type(Handle h, std::string op_type, std::string domain) {
  if (op_type.empty()) fail(Status::kInvalidArgument, "a node needs an operator type");
  Node &edited = node_at(h);
  edited.op_type = std::move(op_type);
  edited.domain = domain == "ai.onnx" ? std::string() : std::move(domain);
  ++revision_;
}

void Model::take_subgraphs(Handle node_handle, const Attribute &attribute) {
  const std::vector<Handle> taken = graphs_of(attribute);
  for (const Handle g : taken) {
    const Handle owner = graph(g).owner;
    bool encloses = false;  // a node cannot own a graph that it lives in
    for (Handle outer = node(node_handle).graph; outer != HT_NONE; outer = outer_graph(outer)) encloses |= outer == g;
    if (encloses || g == main_ || (owner != HT_NONE && owner != node_handle)) {
      fail(Status::kFailedPrecondition, "graph '{}' cannot become a subgraph here: it belongs elsewhere",
           graph(g).name);
    }
  }
  for (const Handle g : taken) graph_at(g).owner = node_handle;
}

void Model::drop_subgraphs(const Attribute &attribute, const Attribute *kept) {
  for (const Handle g : graphs_of(attribute)) {
    if (!holds_graph(kept, g) && graphs_.find(HandleKind::kGraph, g) != nullptr) remove_graph(g);
  }
}

void Model::remove_graph(Handle h) {
  const Graph removed = graph(h);
  for (const Handle n : removed.nodes) remove_node(n);
  for (const Handle v : removed.values) erase_value(v);
  graphs_.remove(h);
}

void Model::set_attribute(Handle h, std::string_view key, Attribute attribute) {
  node(h);
  take_subgraphs(h, attribute);
  const auto found = node(h).attributes.find(key);
  if (found != node(h).attributes.end()) {
    const Attribute old = found->second;
    drop_subgraphs(old, &attribute);
  }
  node_at(h).attributes.insert_or_assign(std::string(key), std::move(attribute));
  ++revision_;
}

void Model::remove_attribute(Handle h, std::string_view key) {
  const auto found = node(h).attributes.find(key);
  if (found == node(h).attributes.end()) return;
  const Attribute old = found->second;
  Node &edited = node_at(h);
  edited.attributes.erase(edited.attributes.find(key));
  drop_subgraphs(old, nullptr);
  ++revision_;
}

void Model::rename_node(Handle h, std::string new_name) {
  const Node &before = node(h);
  if (before.name == new_name) return;
  if (new_name.empty()) fail(Status::kInvalidArgument, "a node needs a name");
  if (find_node(before.graph, new_name) != HT_NONE) {
    fail(Status::kAlreadyExists, "there is already a node named '{}'; ask for a unique name", new_name);
  }
  Node &edited = node_at(h);
  node_names_.erase(edited.name, h);
  edited.name = std::move(new_name);
  node_names_.insert(edited.name, h);
  ++revision_;
}

void Model::set_origin(Handle h, std::int32_t origin) {
  node_at(h).origin = origin;
}

void Model::set_opset(std::string domain, std::int64_t version) {
  opsets_[domain == "ai.onnx" ? std::string() : std::move(domain)] = version;
  ++revision_;
}

}  // namespace halftone::model
