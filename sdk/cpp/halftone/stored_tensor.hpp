// Stored float tensors as numbers to compute with: read once, changed in double precision, rounded once when they are
// stored again in their own type. Failures throw.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::sdk {

struct StoredTensor {
  ht_dtype dtype = HT_F32;  // HT_F32 or HT_F64
  std::vector<std::int64_t> shape;
  std::vector<double> data;

  std::size_t rank() const { return shape.size(); }
  std::int64_t extent(std::size_t axis) const { return axis < shape.size() ? shape[axis] : 1; }
  // Elements between two neighbours on an axis.
  std::size_t stride(std::size_t axis) const {
    std::size_t n = 1;
    for (std::size_t i = axis + 1; i < shape.size(); ++i) n *= static_cast<std::size_t>(shape[i]);
    return n;
  }
};

// The elements of a plain tensor of From, in order.
template <typename From, typename To = From>
std::vector<To> elements_of(const ht_tensor_view &tensor) {
  const auto *data = static_cast<const From *>(tensor.data);
  return std::vector<To>(data, data + count_of(tensor));
}

// A plain tensor of float32 or float64; nothing for one of another type.
inline std::optional<StoredTensor> tensor_of(const ht_tensor_view &view) {
  if (view.dtype != HT_F32 && view.dtype != HT_F64) return std::nullopt;
  return StoredTensor{view.dtype,
                      {view.shape, view.shape + view.rank},
                      view.dtype == HT_F64 ? elements_of<double>(view) : elements_of<float, double>(view)};
}

// Nothing when the value is no initializer of float32 or float64.
inline std::optional<StoredTensor> read_tensor(const Graph &graph, ht_handle value) {
  const auto view = graph.initializer(value);
  return view ? tensor_of(*view) : std::nullopt;
}

// The elements of a float32 initializer as they are; nothing for other values.
inline std::optional<std::vector<float>> read_floats(const Graph &graph, ht_handle value) {
  const auto view = graph.initializer(value);
  if (!view || view->dtype != HT_F32) return std::nullopt;
  return elements_of<float>(*view);
}

// The tensor in its own type, as long as it and this object live.
class TensorBytes {
 public:
  explicit TensorBytes(const StoredTensor &tensor) {
    view_.struct_size = sizeof(view_);
    view_.dtype = tensor.dtype;
    view_.rank = static_cast<std::uint32_t>(tensor.shape.size());
    view_.shape = tensor.shape.data();
    if (tensor.dtype == HT_F64) {
      view_.data = const_cast<double *>(tensor.data.data());
      return;
    }
    floats_.resize(tensor.data.size());
    std::transform(tensor.data.begin(), tensor.data.end(), floats_.begin(),
                   [](double x) { return static_cast<float>(x); });
    view_.data = floats_.data();
  }
  TensorBytes(const TensorBytes &) = delete;
  TensorBytes &operator=(const TensorBytes &) = delete;
  const ht_tensor_view &view() const { return view_; }

 private:
  ht_tensor_view view_{};
  std::vector<float> floats_;  // where it is float32
};

// Under a name made unique from `name`.
inline ht_handle add_tensor(const GraphEdit &edit, ht_handle graph, std::string_view name, const StoredTensor &tensor) {
  return edit.add_initializer(graph, name, TensorBytes(tensor).view());
}

// Makes an input slot read this tensor. An initializer that only this slot reads is replaced; one that others read too,
// or that callers of the model may replace because it is listed as an input, stays as it is for them. `name` is for a
// new initializer.
inline void store_view(const Graph &graph, const GraphEdit &edit, ht_handle node, std::uint32_t slot,
                       std::string_view name, const ht_tensor_view &tensor) {
  const Node owner = graph.node(node);
  const ht_handle present = owner.input(slot), home = owner.graph();
  if (present != HT_NONE) {
    const Value value = graph.value(present);
    if (value.is_initializer() && value.info.consumer_count == 1 && !value.is_output() && !value.is_input()) {
      edit.set_initializer(present, tensor);
      return;
    }
  }
  const std::string base(name);  // it may be a view into the model
  if (owner.inputs().size() <= slot) edit.resize_inputs(node, slot + 1);
  edit.set_input(node, slot, edit.add_initializer(home, base, tensor));
}

inline void store_tensor(const Graph &graph, const GraphEdit &edit, ht_handle node, std::uint32_t slot,
                         std::string_view name, const StoredTensor &tensor) {
  store_view(graph, edit, node, slot, name, TensorBytes(tensor).view());
}

}  // namespace halftone::sdk
