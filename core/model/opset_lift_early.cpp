// Operators of opset 1 to 6: broadcasting by attributes, hints that are gone, and types by name. Source: ONNX's
// changelog of operators.
#include <algorithm>
#include <array>
#include <utility>

#include "core/base/error.h"
#include "core/model/opset_adapters.h"

namespace halftone::model {
namespace {

template <typename T>
const T *attribute(const Model &model, Handle n, std::string_view key) {
  const auto &attributes = model.node(n).attributes;
  const auto found = attributes.find(key);
  return found == attributes.end() ? nullptr : std::get_if<T>(&found->second.data);
}

void default_to(Model &model, Handle n, std::string_view key, Attribute value) {
  if (!model.node(n).attributes.contains(key)) model.set_attribute(n, std::string(key), std::move(value));
}

void rename(Model &model, Handle n, std::string_view from, std::string_view to) {
  const auto &attributes = model.node(n).attributes;
  const auto found = attributes.find(from);
  if (found == attributes.end()) return;
  Attribute value = found->second;
  model.remove_attribute(n, from);
  model.set_attribute(n, std::string(to), std::move(value));
}

// Gives the input in `slot` so many axes of one at its end.
void append_axes(Model &model, Handle n, std::uint32_t slot, std::size_t rank, std::size_t count) {
  const Handle graph = model.node(n).graph, value = model.node(n).inputs.at(slot);
  const std::string name = model.node(n).name;
  std::vector<std::int64_t> axes;
  for (std::size_t i = 0; i < count; ++i) axes.push_back(static_cast<std::int64_t>(rank + i));
  const Handle axes_value = model.add_initializer(graph, model.unique_name(graph, name + "_axes"),
                                                  Tensor::from_ints({static_cast<std::int64_t>(axes.size())}, axes));
  const Handle wide = model.add_value(graph, model.unique_name(graph, name + "_aligned"));
  const std::array inputs = {value, axes_value};
  model.add_node(graph, "Unsqueeze", "", model.unique_name(graph, name + "_unsqueeze"), inputs, {&wide, 1});
  model.set_input(n, slot, wide);
}

// Rank of an input; an error where shape inference does not know it.
std::size_t rank_of(const Model &model, Handle n, std::size_t slot) {
  const Value &value = model.value(model.node(n).inputs.at(slot));
  if (value.initializer) return value.initializer->shape().size();
  if (!value.type.has_shape) {
    fail(Status::kUnimplemented,
         "it broadcasts from an axis on, and the rank of its input '{}' is not known; export the "
         "model again with opset 13",
         value.name);
  }
  return value.type.dims.size();
}

}  // namespace

void lift_attribute_broadcast(Model &model, Handle n, std::int64_t) {
  const std::int64_t *broadcast = attribute<std::int64_t>(model, n, "broadcast");
  const std::int64_t *axis = attribute<std::int64_t>(model, n, "axis");
  if (broadcast != nullptr && *broadcast != 0 && axis != nullptr) {
    const std::size_t a = rank_of(model, n, 0), b = rank_of(model, n, 1);
    const std::int64_t start = *axis < 0 ? *axis + static_cast<std::int64_t>(a) : *axis;
    const std::int64_t after = static_cast<std::int64_t>(a) - start - static_cast<std::int64_t>(b);
    if (start < 0 || after < 0)
      fail(Status::kInvalidArgument, "its second input does not fit the axes from {} on", start);
    if (after > 0) append_axes(model, n, 1, b, static_cast<std::size_t>(after));
  }
  model.remove_attribute(n, "broadcast");
  model.remove_attribute(n, "axis");
}

// One slope per channel, which is axis 1, whatever follows it.
void lift_channel_slope(Model &model, Handle n, std::int64_t) {
  if (rank_of(model, n, 1) != 1) return;
  const Value &slope = model.value(model.node(n).inputs.at(1));
  if (slope.initializer && slope.initializer->count() == 1) return;
  const std::size_t rank = rank_of(model, n, 0);
  if (rank > 2) append_axes(model, n, 1, 1, rank - 2);
}

void lift_training_hint(Model &model, Handle n, std::int64_t) {
  const std::int64_t *test = attribute<std::int64_t>(model, n, "is_test");
  if (model.node(n).op_type == "BatchNormalization" && (test == nullptr || *test == 0)) {
    fail(Status::kUnimplemented, "it is in training mode (is_test=0); export the model in inference mode");
  }
  model.remove_attribute(n, "is_test");
}

void lift_plain_broadcast(Model &model, Handle n, std::int64_t) {
  model.remove_attribute(n, "broadcast");
}

void lift_cast_name(Model &model, Handle n, std::int64_t) {
  constexpr std::array<std::string_view, 14> kNames = {"UNDEFINED", "FLOAT",  "UINT8",  "INT8",   "UINT16",
                                                       "INT16",     "INT32",  "INT64",  "STRING", "BOOL",
                                                       "FLOAT16",   "DOUBLE", "UINT32", "UINT64"};
  const std::string *name = attribute<std::string>(model, n, "to");
  if (name == nullptr) return;
  const auto found = std::ranges::find(kNames, *name);
  if (found == kNames.end()) fail(Status::kInvalidArgument, "its type '{}' is unknown", *name);
  model.set_attribute(n, "to", {static_cast<std::int64_t>(found - kNames.begin())});
}

void lift_early_defaults(Model &model, Handle n, std::int64_t from) {
  const std::string op_type = model.node(n).op_type;
  if (op_type == "Concat" && from < 4) default_to(model, n, "axis", {std::int64_t{1}});
  if (op_type == "Pad" && from < 2) rename(model, n, "paddings", "pads");
  if (op_type == "Selu" && from < 6) {
    default_to(model, n, "alpha", {1.6732F});
    default_to(model, n, "gamma", {1.0507F});
  }
  if (op_type == "GRU" || op_type == "LSTM" || op_type == "RNN") model.remove_attribute(n, "output_sequence");
  if (op_type == "LpPool" || op_type == "GlobalLpPool") {
    if (const float *p = attribute<float>(model, n, "p")) model.set_attribute(n, "p", {static_cast<std::int64_t>(*p)});
  }
}

void lift_reshape_attribute(Model &model, Handle n, std::int64_t) {
  const auto *shape = attribute<std::vector<std::int64_t>>(model, n, "shape");
  if (shape == nullptr) return;
  const std::vector<std::int64_t> values = *shape;
  const Handle graph = model.node(n).graph;
  model.remove_attribute(n, "shape");
  model.set_input(n, 1,
                  model.add_initializer(graph, model.unique_name(graph, model.node(n).name + "_shape"),
                                        Tensor::from_ints({static_cast<std::int64_t>(values.size())}, values)));
}

void lift_upsample_scales(Model &model, Handle n, std::int64_t) {
  const float *height = attribute<float>(model, n, "height_scale"), *width = attribute<float>(model, n, "width_scale");
  if (height == nullptr || width == nullptr) return;
  const std::vector<float> scales = {1, 1, *height, *width};
  model.remove_attribute(n, "height_scale");
  model.remove_attribute(n, "width_scale");
  model.set_attribute(n, "scales", {scales});
}

void lift_tile_axis(Model &, Handle, std::int64_t) {
  fail(Status::kUnimplemented, "a Tile of opset 5 and below repeats one axis; export the model again with opset 13");
}

}  // namespace halftone::model
