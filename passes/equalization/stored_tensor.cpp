#include "stored_tensor.h"

#include <algorithm>

namespace halftone::passes {

std::optional<std::vector<std::int64_t>> read_integers(const sdk::Graph &graph, ht_handle value) {
  const auto tensor = graph.initializer(value);
  if (!tensor || (tensor->dtype != HT_I64 && tensor->dtype != HT_I32)) return std::nullopt;
  return tensor->dtype == HT_I64 ? sdk::elements_of<std::int64_t>(*tensor)
                                 : sdk::elements_of<std::int32_t, std::int64_t>(*tensor);
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
