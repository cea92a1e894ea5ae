// Tensors of integer mode, and what is asked of their shapes.
#pragma once

#include "halftone/owned_tensor.hpp"

namespace halftone::integer {

using sdk::bytes_of;
using sdk::count_of;
using sdk::shape_of;
using Shape = std::vector<std::int64_t>;
using Tensor = sdk::OwnedTensor;

inline std::int64_t count_of(std::span<const std::int64_t> shape) {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) n *= extent;
  return n;
}

// An optional slot that is empty.
inline ht_tensor_view no_tensor() {
  ht_tensor_view none{};
  none.struct_size = sizeof(none);
  return none;
}

}  // namespace halftone::integer
