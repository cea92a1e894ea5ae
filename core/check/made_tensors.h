// Tensors for the inputs of single nodes.
#pragma once

#include <algorithm>
#include <iterator>
#include <vector>

#include "core/model/tensor.h"
#include "halftone/tensor.h"

namespace halftone::check {

inline constexpr float kMadeValues[] = {0.5f, -1.25f, 2, 0, 0.125f, -3, 1, 0.75f};

// What a node gets as its input of this number: a picture, a kernel, a value for each channel, a scalar.
inline model::Tensor input_tensor(std::size_t number) {
  static const std::vector<model::Shape> kShapes = {{2, 3, 4, 4}, {3, 3, 1, 1}, {3}, {1}};
  const model::Shape &shape = kShapes[std::min(number, kShapes.size() - 1)];
  std::vector<float> values(static_cast<std::size_t>(model::element_count(shape)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = kMadeValues[(i + number) % std::size(kMadeValues)];
  return model::Tensor::from_floats(shape, values);
}

// Valid as long as the tensor.
inline ht_tensor_view view_of(const model::Tensor &tensor) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = tensor.dtype();
  view.rank = static_cast<std::uint32_t>(tensor.shape().size());
  view.shape = tensor.shape().data();
  view.data = const_cast<std::byte *>(tensor.bytes().data());
  return view;
}

}  // namespace halftone::check
