// Attributes that became inputs.
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/model/narrow_float.h"
#include "core/model/opset_adapters.h"

namespace halftone::model {
namespace {

template <typename T>
std::optional<T> take(Model &model, Handle n, std::string_view key) {
  const auto &attributes = model.node(n).attributes;
  const auto found = attributes.find(key);
  if (found == attributes.end()) return std::nullopt;
  const T *data = std::get_if<T>(&found->second.data);
  if (data == nullptr)
    fail(Status::kInvalidArgument, "attribute '{}' is of the wrong kind; export the model again", key);
  T copy = *data;
  model.remove_attribute(n, key);
  return copy;
}

using Ints = std::vector<std::int64_t>;

void add_constant_input(Model &model, Handle n, std::uint32_t slot, std::string_view what, Tensor tensor) {
  const Handle graph = model.node(n).graph;
  const std::string name = model.unique_name(graph, fmt::format("{}_{}", model.node(n).name, what));
  model.set_input(n, slot, model.add_initializer(graph, name, std::move(tensor)));
}

void move_ints(Model &model, Handle n, std::uint32_t slot, std::string_view key) {
  const auto values = take<Ints>(model, n, key);
  if (!values) return;
  add_constant_input(model, n, slot, key, Tensor::from_ints({static_cast<std::int64_t>(values->size())}, *values));
}

// A scalar of the element type that the node works on; float32 where that is unknown.
Tensor scalar_like(const Model &model, Handle n, float value) {
  const Node &node = model.node(n);
  const ht_dtype dtype =
      node.inputs.empty() || node.inputs[0] == HT_NONE ? HT_F32 : model.value(node.inputs[0]).type.dtype;
  const auto as = [&](auto number) {
    const auto bytes = std::as_bytes(std::span(&number, 1));
    return Tensor(dtype, {}, std::vector<std::byte>(bytes.begin(), bytes.end()));
  };
  if (dtype == HT_F64) return as(static_cast<double>(value));
  if (dtype == HT_F16) return as(f16_from_float(value));
  if (dtype == HT_BF16) return as(bf16_from_float(value));
  return Tensor::from_floats({}, {&value, 1});
}

void move_scalar(Model &model, Handle n, std::uint32_t slot, std::string_view key) {
  const auto value = take<float>(model, n, key);
  if (value) add_constant_input(model, n, slot, key, scalar_like(model, n, *value));
}

}  // namespace

void lift_axes(Model &model, Handle n, std::int64_t) {
  move_ints(model, n, 1, "axes");
}

void lift_split(Model &model, Handle n, std::int64_t) {
  move_ints(model, n, 1, "split");
}

void lift_clip(Model &model, Handle n, std::int64_t) {
  move_scalar(model, n, 1, "min");
  move_scalar(model, n, 2, "max");
}

void lift_pad(Model &model, Handle n, std::int64_t) {
  move_ints(model, n, 1, "pads");
  move_scalar(model, n, 2, "value");
}

void lift_slice(Model &model, Handle n, std::int64_t) {
  move_ints(model, n, 1, "starts");
  move_ints(model, n, 2, "ends");
  move_ints(model, n, 3, "axes");
}

void lift_top_k(Model &model, Handle n, std::int64_t) {
  const auto k = take<std::int64_t>(model, n, "k");
  if (k) add_constant_input(model, n, 1, "k", Tensor::from_ints({1}, {&*k, 1}));
}

void lift_dropout(Model &model, Handle n, std::int64_t from) {
  const auto ratio = take<float>(model, n, "ratio");
  // The ratio may be of any float type, whatever the data's.
  if (ratio) add_constant_input(model, n, 1, "ratio", Tensor::from_floats({}, {&*ratio, 1}));
  const std::vector<Handle> outputs = model.node(n).outputs;
  if (outputs.size() < 2 || outputs[1] == HT_NONE) return;
  const Handle mask = outputs[1];
  if (model.value(mask).consumers.empty() && !model.value(mask).is_output) {
    model.resize_outputs(n, 1);
    model.remove_value(mask);
    return;
  }
  if (from >= 10) return;
  // The mask was of the data's type before opset 10 and is bool since: whoever reads it gets what it was.
  const Handle graph = model.node(n).graph, data = model.node(n).inputs.at(0);
  const Handle flags = model.add_value(graph, model.unique_name(graph, model.value(mask).name + "_bool"));
  const std::int32_t type = dtype_to_onnx(model.value(data).type.dtype);
  model.set_output(n, 1, flags);
  const Handle cast = model.add_node(graph, "Cast", "", model.unique_name(graph, model.node(n).name + "_mask"),
                                     {&flags, 1}, {&mask, 1});
  model.set_attribute(cast, "to", {static_cast<std::int64_t>(type == 0 ? dtype_to_onnx(HT_F32) : type)});
}

}  // namespace halftone::model
