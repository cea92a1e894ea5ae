// Edits of values: names, types, constants and their roles as inputs and outputs of a graph.
#include <algorithm>

#include "core/base/error.h"
#include "core/model/model.h"

namespace halftone::model {

Handle Model::add_value(Handle graph_handle, std::string value_name, ValueType type) {
  require_free_value_name(graph_handle, value_name);
  Value added;
  added.graph = graph_handle;
  added.name = std::move(value_name);
  added.type = std::move(type);
  Graph &target = graph_at(graph_handle);
  const Handle h = values_.add(HandleKind::kValue, std::move(added));
  target.values.push_back(h);
  value_names_.insert(value(h).name, h);
  ++revision_;
  return h;
}

Handle Model::add_initializer(Handle graph_handle, std::string value_name, Tensor tensor) {
  const Handle h = add_value(graph_handle, std::move(value_name));
  set_initializer(h, std::move(tensor));
  return h;
}

void Model::set_initializer(Handle h, Tensor tensor) {
  const Value &before = value(h);
  if (before.producer != HT_NONE) {
    fail(Status::kFailedPrecondition, "value '{}' is produced by node '{}' and cannot be a constant too", before.name,
         node(before.producer).name);
  }
  Value &edited = value_at(h);
  ValueType type;
  type.dtype = tensor.dtype();
  type.has_shape = true;
  for (const std::int64_t extent : tensor.shape()) type.dims.push_back({extent, {}});
  // What a graph input is called to be stays as declared; a constant's type is that of its data.
  if (!edited.is_input || edited.type.dtype != type.dtype) edited.type = std::move(type);
  edited.initializer = std::move(tensor);
  ++revision_;
}

void Model::remove_value(Handle h) {
  const Value &removed = value(h);
  const auto refuse = [&](std::string_view why) {
    fail(Status::kFailedPrecondition, "value '{}' cannot be removed: it {}", removed.name, why);
  };
  if (removed.producer != HT_NONE) refuse(fmt::format("is produced by node '{}'", node(removed.producer).name));
  if (!removed.consumers.empty())
    refuse(fmt::format("is read by node '{}'", node(removed.consumers.front().node).name));
  if (removed.is_output) refuse("is an output of its graph");
  if (removed.is_input && !removed.initializer) refuse("is an input of its graph");
  if (removed.is_input) unmark_input(h);
  std::vector<Handle> &siblings = graph_at(value(h).graph).values;
  siblings.erase(std::find(siblings.begin(), siblings.end(), h));
  erase_value(h);
  ++revision_;
}

void Model::erase_value(Handle h) {
  value_names_.erase(value(h).name, h);
  values_.remove(h);
}

void Model::replace_uses(Handle from, Handle to) {
  if (from == to) return;
  const Value &old = value(from), &replacement = value(to);
  const bool move_output = old.is_output;
  if (move_output) {
    const auto refuse = [&](const Value &culprit, std::string_view role) {
      fail(Status::kFailedPrecondition,
           "graph output '{}' cannot be replaced by '{}': '{}' is itself {}; put an Identity node between them",
           old.name, replacement.name, culprit.name, role);
    };
    if (replacement.is_output) refuse(replacement, "a graph output");
    if (replacement.is_input) refuse(replacement, "a graph input");
    if (old.is_input) refuse(old, "a graph input");
    if (old.graph != replacement.graph) refuse(replacement, "a value of another graph");
  }
  // Rewiring the producer of `to` would make it read its own output.
  std::vector<Use> moved;
  for (const Use use : old.consumers) {
    if (use.node == replacement.producer) continue;
    require_visible(to, node(use.node).graph);
    moved.push_back(use);
  }
  for (const Use use : moved) set_input(use.node, use.slot, to);
  if (move_output) {
    const Handle graph_handle = value(from).graph;
    const std::string public_name = value(from).name;
    rename_value(from, unique_name(graph_handle, public_name));
    rename_value(to, public_name);
    std::vector<Handle> &outputs = graph_at(graph_handle).outputs;
    std::replace(outputs.begin(), outputs.end(), from, to);
    const ValueType known = value(from).type;
    ValueType &type = value_at(to).type;
    if (type.dtype == HT_DTYPE_NONE) type = known;  // what callers were told of the output
    for (std::size_t i = 0; i < type.dims.size() && known.dims.size() == type.dims.size(); ++i) {
      if (type.dims[i].extent < 0 && type.dims[i].symbol.empty()) type.dims[i] = known.dims[i];
    }
    value_at(from).is_output = false;
    value_at(to).is_output = true;
  }
  ++revision_;
}

void Model::set_type(Handle h, ValueType type) {
  value_at(h).type = std::move(type);
  ++revision_;
}

void Model::rename_value(Handle h, std::string new_name) {
  if (value(h).name == new_name) return;
  require_free_value_name(value(h).graph, new_name);
  Value &edited = value_at(h);
  value_names_.erase(edited.name, h);
  edited.name = std::move(new_name);
  value_names_.insert(edited.name, h);
  ++revision_;
}

void Model::mark_input(Handle h) {
  const Value &before = value(h);
  if (before.is_input) return;
  if (before.producer != HT_NONE) {
    fail(Status::kFailedPrecondition, "value '{}' is produced by node '{}' and cannot be a graph input", before.name,
         node(before.producer).name);
  }
  graph_at(before.graph).inputs.push_back(h);
  value_at(h).is_input = true;
  ++revision_;
}

void Model::unmark_input(Handle h) {
  if (!value(h).is_input) return;
  std::vector<Handle> &inputs = graph_at(value(h).graph).inputs;
  inputs.erase(std::find(inputs.begin(), inputs.end(), h));
  value_at(h).is_input = false;
  ++revision_;
}

void Model::mark_output(Handle h) {
  if (value(h).is_output) return;
  graph_at(value(h).graph).outputs.push_back(h);
  value_at(h).is_output = true;
  ++revision_;
}

void Model::unmark_output(Handle h) {
  if (!value(h).is_output) return;
  std::vector<Handle> &outputs = graph_at(value(h).graph).outputs;
  outputs.erase(std::find(outputs.begin(), outputs.end(), h));
  value_at(h).is_output = false;
  ++revision_;
}

}  // namespace halftone::model
