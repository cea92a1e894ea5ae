// Tensors in whatever layout an executor has, copied into row-major order.
#pragma once

#include <cstddef>
#include <vector>

#include "halftone/tensor.h"

namespace halftone::calibration {

// Whether the view is plain, with nothing between its elements, in row-major order.
bool is_row_major(const ht_tensor_view &view);

// The elements in row-major order, without padding. Throws InvalidArgument for types below a byte, whose elements
// cannot be picked.
std::vector<std::byte> row_major_copy(const ht_tensor_view &view);

// The same as float32; throws InvalidArgument when the type is no float.
std::vector<float> row_major_floats(const ht_tensor_view &view);

}  // namespace halftone::calibration
