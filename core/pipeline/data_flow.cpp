#include "core/pipeline/data_flow.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/pipeline/sockets.h"
#include "halftone/target.h"

namespace halftone::pipeline {
namespace {

using model::Handle;

bool one_of(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool gives_integers(std::string_view type, std::size_t slot) {
  if (one_of(type, {"Shape", "Size", "ArgMax", "ArgMin", "NonZero", "NonMaxSuppression"})) return true;
  return slot == 1 && one_of(type, {"TopK", "MaxPool"});
}

bool gives_truth(std::string_view type) {
  return one_of(
      type, {"Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf"});
}

const model::Tensor *tensor_attribute(const model::Node &node, std::string_view name) {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? nullptr : std::get_if<model::Tensor>(&found->second.data);
}

}  // namespace

DataFlow::DataFlow(const model::Model &model) {
  infer_types(model, model.main_graph());
  // A graph before those inside it: what a node's outputs are for decides about its bodies.
  for (const Handle graph : model.graphs()) find_shape_nodes(model, graph);
}

ht_dtype DataFlow::dtype(Handle value) const {
  const auto found = dtypes_.find(value);
  return found == dtypes_.end() ? HT_DTYPE_NONE : found->second;
}

void DataFlow::infer_types(const model::Model &model, Handle graph) {
  for (const Handle h : model.graph(graph).values) {
    const model::Value &value = model.value(h);
    const ht_dtype stated = value.initializer ? value.initializer->dtype() : value.type.dtype;
    if (stated != HT_DTYPE_NONE) dtypes_[h] = stated;
  }
  for (const Handle h : model.topological_order(graph)) {
    const model::Node &node = model.node(h);
    if (!node.domain.empty()) continue;
    infer_bodies(model, node);
    for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
      const Handle out = node.outputs[slot];
      if (out == HT_NONE || dtypes_.count(out) != 0) continue;
      const ht_dtype type = inferred(node, slot);
      if (type != HT_DTYPE_NONE) dtypes_[out] = type;
    }
  }
}

void DataFlow::take_type(Handle from, Handle to) {
  if (from == HT_NONE || to == HT_NONE || dtypes_.count(to) != 0) return;
  if (const ht_dtype type = dtype(from); type != HT_DTYPE_NONE) dtypes_[to] = type;
}

// A Loop numbers its iterations and has a condition before what the node gives and takes.
void DataFlow::infer_bodies(const model::Model &model, const model::Node &node) {
  if (!one_of(node.op_type, {"If", "Loop", "Scan"})) return;
  for (const auto &[key, attribute] : node.attributes) {
    const auto *body = std::get_if<Handle>(&attribute.data);
    if (body == nullptr || model::handle_kind(*body) != model::HandleKind::kGraph) continue;
    const model::Graph &graph = model.graph(*body);
    for (std::size_t i = 0; i < graph.inputs.size() && i < node.inputs.size(); ++i)
      take_type(node.inputs[i], graph.inputs[i]);
    infer_types(model, *body);
    const std::size_t first = node.op_type == "Loop" ? 1 : 0;
    for (std::size_t i = 0; i < node.outputs.size() && first + i < graph.outputs.size(); ++i)
      take_type(graph.outputs[first + i], node.outputs[i]);
  }
}

// What an operator gives by its nature, or as its inputs are.
ht_dtype DataFlow::inferred(const model::Node &node, std::size_t slot) const {
  if (one_of(node.op_type, {"If", "Loop", "Scan"})) return HT_DTYPE_NONE;
  if (gives_integers(node.op_type, slot)) return HT_I64;
  if (gives_truth(node.op_type)) return HT_BOOL;
  if (one_of(node.op_type, {"Constant", "ConstantOfShape"})) {
    const model::Tensor *tensor = tensor_attribute(node, "value");
    return tensor == nullptr ? HT_DTYPE_NONE : tensor->dtype();
  }
  if (node.op_type == "Cast") {
    const auto to = node.attributes.find("to");
    const auto *code = to == node.attributes.end() ? nullptr : std::get_if<std::int64_t>(&to->second.data);
    return code == nullptr ? HT_DTYPE_NONE : model::dtype_from_onnx(static_cast<std::int32_t>(*code));
  }
  // Of DequantizeLinear the scale says what comes out, of QuantizeLinear the zero point, where there is one.
  const bool quantize = node.op_type == "QuantizeLinear";
  if (quantize && node.inputs.size() < 3) return HT_U8;
  const std::size_t from = quantize ? 2 : one_of(node.op_type, {"Where", "DequantizeLinear"}) ? 1 : 0;
  return from < node.inputs.size() && node.inputs[from] != HT_NONE ? dtype(node.inputs[from]) : HT_DTYPE_NONE;
}

void DataFlow::find_shape_nodes(const model::Model &model, Handle graph) {
  const model::Graph &g = model.graph(graph);
  const bool loop = g.owner != HT_NONE && model.node(g.owner).op_type == "Loop";
  // A Loop's first result is its condition.
  data_.insert(g.outputs.begin() + (loop && !g.outputs.empty() ? 1 : 0), g.outputs.end());
  const std::vector<Handle> order = model.topological_order(graph);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const model::Node &node = model.node(*it);
    const auto is_data = [&](Handle v) { return v != HT_NONE && data_.count(v) != 0; };
    const auto is_read = [&](Handle v) { return v != HT_NONE && !model.value(v).consumers.empty(); };
    // What nothing reads is dead, not a shape.
    const bool useful = std::any_of(node.outputs.begin(), node.outputs.end(), is_data) ||
                        std::none_of(node.outputs.begin(), node.outputs.end(), is_read);
    // What a body or a foreign operator does with a value is unknown: that counts as data.
    const bool opaque = !node.domain.empty() || one_of(node.op_type, {"If", "Loop", "Scan"});
    if (!useful && !opaque) {
      shape_nodes_.insert(*it);
      continue;
    }
    const Socket &socket = socket_of(node.op_type);
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const bool carries = opaque || node.op_type == "Cast" || socket.input(slot) != HT_SLOT_NONE;
      if (carries && node.inputs[slot] != HT_NONE) data_.insert(node.inputs[slot]);
    }
    for (const Handle captured : model.captured_values(*it)) data_.insert(captured);
  }
}

}  // namespace halftone::pipeline
