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
  const std::vector<Handle> order = model.topological_order(model.main_graph());
  infer_types(model, order);
  find_shape_nodes(model, order);
}

ht_dtype DataFlow::dtype(Handle value) const {
  const auto found = dtypes_.find(value);
  return found == dtypes_.end() ? HT_DTYPE_NONE : found->second;
}

void DataFlow::infer_types(const model::Model &model, const std::vector<Handle> &order) {
  for (const Handle h : model.graph(model.main_graph()).values) {
    const model::Value &value = model.value(h);
    const ht_dtype stated = value.initializer ? value.initializer->dtype() : value.type.dtype;
    if (stated != HT_DTYPE_NONE) dtypes_[h] = stated;
  }
  for (const Handle h : order) {
    const model::Node &node = model.node(h);
    if (!node.domain.empty()) continue;
    for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
      const Handle out = node.outputs[slot];
      if (out == HT_NONE || dtypes_.count(out) != 0) continue;
      ht_dtype type = HT_DTYPE_NONE;
      if (gives_integers(node.op_type, slot)) {
        type = HT_I64;
      } else if (gives_truth(node.op_type)) {
        type = HT_BOOL;
      } else if (one_of(node.op_type, {"Constant", "ConstantOfShape"})) {
        if (const model::Tensor *tensor = tensor_attribute(node, "value")) type = tensor->dtype();
      } else if (node.op_type == "Cast") {
        const auto to = node.attributes.find("to");
        const auto *code = to == node.attributes.end() ? nullptr : std::get_if<std::int64_t>(&to->second.data);
        if (code != nullptr) type = model::dtype_from_onnx(static_cast<std::int32_t>(*code));
      } else {
        // Of DequantizeLinear the scale says what comes out, of QuantizeLinear the zero point, where there is one.
        const bool quantize = node.op_type == "QuantizeLinear";
        if (quantize && node.inputs.size() < 3) type = HT_U8;
        const std::size_t from = quantize ? 2 : one_of(node.op_type, {"Where", "DequantizeLinear"}) ? 1 : 0;
        if (type == HT_DTYPE_NONE && from < node.inputs.size() && node.inputs[from] != HT_NONE)
          type = dtype(node.inputs[from]);
      }
      if (type != HT_DTYPE_NONE) dtypes_[out] = type;
    }
  }
}

void DataFlow::find_shape_nodes(const model::Model &model, const std::vector<Handle> &order) {
  std::unordered_set<Handle> data;  // values that reach a graph output or a slot that carries data
  for (const Handle h : model.graph(model.main_graph()).outputs) data.insert(h);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const model::Node &node = model.node(*it);
    const auto is_data = [&](Handle v) { return v != HT_NONE && data.count(v) != 0; };
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
      if (carries && node.inputs[slot] != HT_NONE) data.insert(node.inputs[slot]);
    }
    for (const Handle captured : model.captured_values(*it)) data.insert(captured);
  }
}

}  // namespace halftone::pipeline
