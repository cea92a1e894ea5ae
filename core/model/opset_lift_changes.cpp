// Operators whose meaning, name or outputs changed.
#include <algorithm>
#include <utility>

#include "core/base/error.h"
#include "core/model/opset_adapters.h"

namespace halftone::model {
namespace {

std::int64_t int_attribute(const Node &node, std::string_view key, std::int64_t missing) {
  const auto found = node.attributes.find(key);
  const std::int64_t *value = found == node.attributes.end() ? nullptr : std::get_if<std::int64_t>(&found->second.data);
  return value == nullptr ? missing : *value;
}

std::string string_attribute(const Node &node, std::string_view key, std::string missing) {
  const auto found = node.attributes.find(key);
  const std::string *value = found == node.attributes.end() ? nullptr : std::get_if<std::string>(&found->second.data);
  return value == nullptr ? std::move(missing) : *value;
}

// The one axis over which a softmax of everything from `axis` on runs; false when there are several, or it is not
// known.
bool single_axis(const ValueType &type, std::int64_t axis, std::int64_t &only) {
  const auto rank = static_cast<std::int64_t>(type.dims.size());
  if (!type.has_shape || axis < 0 || axis >= rank) return false;
  int wide = 0;
  only = rank - 1;
  for (std::int64_t i = axis; i < rank; ++i) {
    if (type.dims[static_cast<std::size_t>(i)].extent == 1) continue;
    only = i;
    ++wide;
  }
  return wide <= 1;
}

// Up to opset 12 the input was seen as a matrix, split before `axis`: Flatten, softmax of the rows, back to the shape.
void flatten_around(Model &model, Handle n, std::int64_t axis) {
  const std::string name = model.node(n).name;
  const Handle graph = model.node(n).graph, x = model.node(n).inputs.at(0), y = model.node(n).outputs.at(0);
  const auto value = [&](std::string_view what) {
    return model.add_value(graph, model.unique_name(graph, fmt::format("{}_{}", name, what)));
  };
  const auto node = [&](std::string op_type, std::string_view what, std::vector<Handle> inputs, Handle output) {
    return model.add_node(graph, std::move(op_type), "", model.unique_name(graph, fmt::format("{}_{}", name, what)),
                          inputs, {&output, 1});
  };
  const Handle matrix = value("matrix"), rows = value("rows"), shape = value("shape_of_input");
  model.set_input(n, 0, matrix);
  model.set_output(n, 0, rows);
  model.set_attribute(n, "axis", {std::int64_t{-1}});
  const Handle flatten = node("Flatten", "flatten", {x}, matrix);
  model.set_attribute(flatten, "axis", {axis});
  node("Shape", "shape", {x}, shape);
  node("Reshape", "reshape", {rows, shape}, y);
}

void set_resize_attributes(Model &model, Handle n) {
  std::string mode = string_attribute(model.node(n), "mode", "nearest");
  if (mode == "bilinear") mode = "linear";
  model.set_attribute(n, "mode", {mode});
  model.set_attribute(n, "coordinate_transformation_mode", {std::string("asymmetric")});
  if (mode == "nearest") model.set_attribute(n, "nearest_mode", {std::string("floor")});
}

bool is_unused(const Model &model, Handle v) {
  return v == HT_NONE || (model.value(v).consumers.empty() && !model.value(v).is_output);
}

bool is_empty_constant(const Model &model, Handle v) {
  if (v == HT_NONE) return false;
  const Value &value = model.value(v);
  if (value.initializer) return value.initializer->dtype() != HT_STRING && value.initializer->count() == 0;
  return value.type.has_shape && value.type.dims.size() == 1 && value.type.dims[0].extent == 0;
}

}  // namespace

void lift_softmax(Model &model, Handle n, std::int64_t) {
  const Node &node = model.node(n);
  if (node.inputs.empty() || node.inputs[0] == HT_NONE || node.outputs.empty() || node.outputs[0] == HT_NONE) return;
  const ValueType &type = model.value(node.inputs[0]).type;
  const auto rank = static_cast<std::int64_t>(type.dims.size());
  std::int64_t axis = int_attribute(node, "axis", 1), only = 0;
  if (axis < 0 && type.has_shape) axis += rank;
  if (single_axis(type, axis, only))
    model.set_attribute(n, "axis", {only == rank - 1 ? std::int64_t{-1} : only});
  else
    flatten_around(model, n, axis);
}

void lift_upsample(Model &model, Handle n, std::int64_t) {
  const Handle graph = model.node(n).graph;
  Handle scales = model.node(n).inputs.size() > 1 ? model.node(n).inputs[1] : HT_NONE;
  const auto attribute = model.node(n).attributes.find("scales");
  if (attribute != model.node(n).attributes.end()) {
    const auto *values = std::get_if<std::vector<float>>(&attribute->second.data);
    if (values == nullptr)
      fail(Status::kInvalidArgument, "attribute 'scales' is no list of floats; export the model again");
    Tensor tensor = Tensor::from_floats({static_cast<std::int64_t>(values->size())}, *values);
    model.remove_attribute(n, "scales");
    scales = model.add_initializer(graph, model.unique_name(graph, model.node(n).name + "_scales"), std::move(tensor));
  }
  set_resize_attributes(model, n);
  model.set_op_type(n, "Resize");
  model.set_input(n, 1, HT_NONE);  // no region of interest
  model.set_input(n, 2, scales);
}

void lift_resize(Model &model, Handle n, std::int64_t from) {
  const std::vector<Handle> inputs = model.node(n).inputs;
  if (from < 11) {
    set_resize_attributes(model, n);
    model.set_input(n, 1, HT_NONE);
    model.set_input(n, 2, inputs.at(1));
    return;
  }
  // Opset 11 wanted an empty constant where 13 wants no input at all.
  if (inputs.size() > 1 && is_empty_constant(model, inputs[1])) model.set_input(n, 1, HT_NONE);
  if (inputs.size() > 3 && inputs[3] != HT_NONE) model.set_input(n, 2, HT_NONE);
}

void lift_batch_normalization(Model &model, Handle n, std::int64_t from) {
  if (from < 9 && int_attribute(model.node(n), "spatial", 1) == 0) {
    fail(Status::kUnimplemented,
         "it normalizes each element by itself (spatial=0), which no newer opset can say; export the model again with "
         "opset 13");
  }
  model.remove_attribute(n, "spatial");
  const std::vector<Handle> outputs = model.node(n).outputs;
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    if (is_unused(model, outputs[i])) continue;
    fail(Status::kUnimplemented, "its output '{}' exists only in training; export the model in inference mode",
         model.value(outputs[i]).name);
  }
  if (outputs.size() < 2) return;
  model.resize_outputs(n, 1);
  for (std::size_t i = 1; i < outputs.size(); ++i) {
    if (outputs[i] != HT_NONE) model.remove_value(outputs[i]);
  }
}

void lift_scatter(Model &model, Handle n, std::int64_t) {
  model.set_op_type(n, "ScatterElements");
}

}  // namespace halftone::model
