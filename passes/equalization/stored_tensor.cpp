#include "stored_tensor.h"

#include <algorithm>
#include <string>

namespace halftone::passes {
namespace {

// The tensor in its own type; `floats` holds a rounded copy where it is float32.
ht_tensor_view view_of(const StoredTensor &tensor, std::vector<float> &floats) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = tensor.dtype;
  view.rank = static_cast<std::uint32_t>(tensor.shape.size());
  view.shape = tensor.shape.data();
  if (tensor.dtype == HT_F64) {
    view.data = const_cast<double *>(tensor.data.data());
    return view;
  }
  floats.resize(tensor.data.size());
  std::transform(tensor.data.begin(), tensor.data.end(), floats.begin(),
                 [](double x) { return static_cast<float>(x); });
  view.data = floats.data();
  return view;
}

template <typename From, typename To>
void copy_numbers(const ht_tensor_view &tensor, std::vector<To> &out) {
  const auto *data = static_cast<const From *>(tensor.data);
  out.assign(data, data + sdk::count_of(tensor));
}

}  // namespace

std::size_t StoredTensor::stride(std::size_t axis) const {
  std::size_t n = 1;
  for (std::size_t i = axis + 1; i < shape.size(); ++i) n *= static_cast<std::size_t>(shape[i]);
  return n;
}

std::optional<StoredTensor> read_tensor(const sdk::Graph &graph, ht_handle value) {
  const auto tensor = graph.initializer(value);
  if (!tensor || (tensor->dtype != HT_F32 && tensor->dtype != HT_F64)) return std::nullopt;
  StoredTensor stored;
  stored.dtype = tensor->dtype;
  stored.shape.assign(tensor->shape, tensor->shape + tensor->rank);
  if (tensor->dtype == HT_F64) {
    copy_numbers<double>(*tensor, stored.data);
  } else {
    copy_numbers<float>(*tensor, stored.data);
  }
  return stored;
}

std::optional<std::vector<std::int64_t>> read_integers(const sdk::Graph &graph, ht_handle value) {
  const auto tensor = graph.initializer(value);
  if (!tensor || (tensor->dtype != HT_I64 && tensor->dtype != HT_I32)) return std::nullopt;
  std::vector<std::int64_t> numbers;
  if (tensor->dtype == HT_I64) {
    copy_numbers<std::int64_t>(*tensor, numbers);
  } else {
    copy_numbers<std::int32_t>(*tensor, numbers);
  }
  return numbers;
}

ht_handle add_tensor(const sdk::GraphEdit &edit, ht_handle graph, std::string_view name, const StoredTensor &tensor) {
  std::vector<float> floats;
  return edit.add_initializer(graph, name, view_of(tensor, floats));
}

void store_tensor(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node, std::uint32_t slot,
                  std::string_view name, const StoredTensor &tensor) {
  const sdk::Node owner = graph.node(node);
  const ht_handle present = owner.input(slot), home = owner.graph();
  if (present != HT_NONE) {
    const sdk::Value value = graph.value(present);
    if (value.is_initializer() && value.info.consumer_count == 1 && !value.is_output() && !value.is_input()) {
      std::vector<float> floats;
      edit.set_initializer(present, view_of(tensor, floats));
      return;
    }
  }
  const std::string base(name);  // the name may be a view into the model
  if (owner.inputs().size() <= slot) edit.resize_inputs(node, slot + 1);
  edit.set_input(node, slot, add_tensor(edit, home, base, tensor));
}

StoredTensor widened(const StoredTensor &tensor, std::size_t axis_from_last, std::int64_t extent) {
  StoredTensor out = tensor;
  while (out.shape.size() <= axis_from_last) out.shape.insert(out.shape.begin(), 1);
  const std::size_t axis = out.shape.size() - 1 - axis_from_last;
  if (out.shape[axis] != 1 || extent == 1) return out;
  const std::size_t inner = out.stride(axis), outer = out.data.size() / std::max<std::size_t>(inner, 1);
  std::vector<double> data;
  data.reserve(out.data.size() * static_cast<std::size_t>(extent));
  for (std::size_t o = 0; o < outer; ++o) {
    const auto run = out.data.begin() + static_cast<std::ptrdiff_t>(o * inner);
    for (std::int64_t i = 0; i < extent; ++i) data.insert(data.end(), run, run + static_cast<std::ptrdiff_t>(inner));
  }
  out.shape[axis] = extent;
  out.data = std::move(data);
  return out;
}

}  // namespace halftone::passes
