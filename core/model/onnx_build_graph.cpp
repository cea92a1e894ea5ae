#include "core/model/onnx_build_graph.h"

#include <algorithm>
#include <limits>

#include "core/base/error.h"
#include "core/model/onnx_type.h"

namespace halftone::model {

const onnx::GraphProto *GraphBuilder::original(Handle graph) const {
  if (model_.sidecar == nullptr) return nullptr;
  const auto found = model_.sidecar->graphs.find(graph);
  return found == model_.sidecar->graphs.end() ? nullptr : found->second;
}

void GraphBuilder::build_main(onnx::GraphProto &proto) {
  const std::string &name = model_.name.empty() && !proto.has_name() ? "main" : model_.name;
  if (proto.name() != name) proto.set_name(name);
  build(model_.main_graph(), proto);
}

void GraphBuilder::build_subgraph(Handle handle, onnx::GraphProto &proto) {
  // The attribute may have been moved here from another node: start from what this graph was read from.
  proto.Clear();
  if (const onnx::GraphProto *before = original(handle)) proto = *before;
  const std::string &name = model_.graph(handle).name;
  if (proto.name() != name) proto.set_name(name);
  build(handle, proto);
}

void GraphBuilder::build(Handle handle, onnx::GraphProto &proto) {
  if (graphs_ != nullptr) (*graphs_)[handle] = &proto;
  const Graph &graph = model_.graph(handle);
  write_nodes(graph, handle, proto);
  write_inputs_and_outputs(handle, graph, proto);
  write_value_infos(handle, graph, proto);
  write_initializers(graph, proto);
  write_annotations(handle, proto);
}

void GraphBuilder::write_nodes(const Graph &graph, Handle handle, onnx::GraphProto &proto) {
  proto.clear_node();
  proto.mutable_node()->Reserve(static_cast<int>(graph.nodes.size()));
  for (const Handle n : model_.topological_order(handle)) write_node(model_.node(n), *proto.add_node());
}

void GraphBuilder::write_info(const Value &value, const onnx::ValueInfoProto *before,
                              onnx::ValueInfoProto &proto) const {
  if (before != nullptr) proto = *before;
  if (proto.name() != value.name) proto.set_name(value.name);
  // A constant's type is known from its data; where the file did not repeat it, neither do we.
  if (before != nullptr && !before->has_type() && value.initializer) return;
  if (value.type.dtype != HT_DTYPE_NONE) write_type(value.type, *proto.mutable_type());
}

void GraphBuilder::write_inputs_and_outputs(Handle handle, const Graph &graph, onnx::GraphProto &proto) const {
  proto.clear_input();
  for (const Handle h : graph.inputs) {
    const ValueOrigin *from = origin(h);
    write_info(model_.value(h), from == nullptr ? nullptr : from->input, *proto.add_input());
  }
  proto.clear_output();
  for (const Handle h : graph.outputs) {
    const Value &value = model_.value(h);
    const ValueOrigin *from = origin(h);
    const onnx::ValueInfoProto *before = from == nullptr ? nullptr : from->output;
    // An output that another value took over keeps its name, and with it its documentation.
    if (before == nullptr && original(handle) != nullptr) {
      const auto &outputs = original(handle)->output();
      const auto same =
          std::find_if(outputs.begin(), outputs.end(), [&](const auto &info) { return info.name() == value.name; });
      if (same != outputs.end()) before = &*same;
    }
    write_info(value, before, *proto.add_output());
  }
}

void GraphBuilder::write_value_infos(Handle handle, const Graph &graph, onnx::GraphProto &proto) const {
  proto.clear_value_info();
  for (const Handle h : graph.values) {
    const Value &value = model_.value(h);
    const ValueOrigin *from = origin(h);
    const onnx::ValueInfoProto *before = from == nullptr ? nullptr : from->info;
    const bool described_elsewhere = value.is_input || value.is_output || value.initializer.has_value();
    if (before == nullptr && (described_elsewhere || value.type.dtype == HT_DTYPE_NONE)) continue;
    write_info(value, before, *proto.add_value_info());
  }
  if (model_.sidecar == nullptr) return;
  const auto foreign = model_.sidecar->foreign_infos.find(handle);
  if (foreign == model_.sidecar->foreign_infos.end()) return;
  for (const onnx::ValueInfoProto *info : foreign->second) *proto.add_value_info() = *info;
}

void GraphBuilder::write_initializers(const Graph &graph, onnx::GraphProto &proto) const {
  struct Constant {
    const Value *value;
    const ValueOrigin *from;
    std::int32_t position;
  };
  proto.clear_initializer();
  proto.clear_sparse_initializer();
  std::vector<Constant> constants;
  for (const Handle h : graph.values) {
    const Value &value = model_.value(h);
    if (!value.initializer) continue;
    const ValueOrigin *from = origin(h);
    if (from != nullptr && from->sparse != nullptr && value.initializer->same_storage(from->sparse_stand_in)) {
      onnx::SparseTensorProto &sparse = *proto.add_sparse_initializer();
      sparse = *from->sparse;
      sparse.mutable_values()->set_name(value.name);
      continue;
    }
    const bool is_original = from != nullptr && from->initializer != nullptr;
    constants.push_back({&value, from, is_original ? from->position : std::numeric_limits<std::int32_t>::max()});
  }
  std::stable_sort(constants.begin(), constants.end(),
                   [](const Constant &a, const Constant &b) { return a.position < b.position; });
  for (const Constant &constant : constants) {
    onnx::TensorProto &tensor = *proto.add_initializer();
    if (constant.from != nullptr && constant.from->initializer != nullptr) tensor = *constant.from->initializer;
    tensor.set_name(constant.value->name);
    write_(*constant.value->initializer, tensor, ConstantPlace::kInitializer);
  }
}

// Annotations name values; they follow a renamed value and go with a removed one.
void GraphBuilder::write_annotations(Handle handle, onnx::GraphProto &proto) const {
  auto &annotations = *proto.mutable_quantization_annotation();
  if (annotations.empty()) return;
  std::unordered_map<std::string, Handle> before;
  for (const auto &[value, from] : model_.sidecar->values) {
    if (!model_.alive(value) || model_.value(value).graph != handle) continue;
    if (from.input != nullptr) before.emplace(from.input->name(), value);
    if (from.initializer != nullptr) before.emplace(from.initializer->name(), value);
    if (from.output != nullptr) before.emplace(from.output->name(), value);
    if (from.info != nullptr) before.emplace(from.info->name(), value);
  }
  const auto rename = [&](const std::string &name) -> std::string {
    const auto found = before.find(name);
    return found == before.end() ? name : model_.value(found->second).name;
  };
  for (int i = 0; i < annotations.size();) {
    const std::string name = rename(annotations[i].tensor_name());
    if (model_.find_value(handle, name) == HT_NONE && !before.contains(annotations[i].tensor_name())) {
      annotations.DeleteSubrange(i, 1);
      continue;
    }
    annotations[i].set_tensor_name(name);
    for (auto &parameter : *annotations[i].mutable_quant_parameter_tensor_names())
      parameter.set_value(rename(parameter.value()));
    ++i;
  }
}

}  // namespace halftone::model
