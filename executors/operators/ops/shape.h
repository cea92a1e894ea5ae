// Shapes, strides, and the walk over a tensor in rows, on which most kernels here are built.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "halftone/op_kernel.hpp"

namespace halftone::reference {

using Shape = std::vector<std::int64_t>;
using ShapeSpan = std::span<const std::int64_t>;

inline ShapeSpan shape_of(const ht_tensor_view &t) {
  return {t.shape, t.rank};
}
inline Shape shape_copy(const ht_tensor_view &t) {
  return Shape(t.shape, t.shape + t.rank);
}

std::int64_t count_of(ShapeSpan shape);
inline std::int64_t count_of(const ht_tensor_view &t) {
  return count_of(shape_of(t));
}
// Product of extents [begin, end).
std::int64_t count_of(ShapeSpan shape, std::size_t begin, std::size_t end);

// Row-major strides in elements.
Shape strides_of(ShapeSpan shape);

// 0 <= axis < rank from an axis that may count from the end; HT_INVALID_ARGUMENT otherwise.
std::size_t axis_of(std::int64_t axis, std::size_t rank);

Shape broadcast(ShapeSpan a, ShapeSpan b);
// The strides of a tensor read under the broadcast shape `to`: 0 along the axes that it repeats.
Shape broadcast_strides(ShapeSpan from, ShapeSpan to);

// The integers in a tensor of int32 or int64; needs_data() where they are not known yet.
Shape integers_of(const ht_tensor_view &t);

// Walks `shape` in row-major order. For each row (run along the last axis) calls
// row(offsets, count, steps): the N operands' offsets of the row's first element and their strides within it.
template <std::size_t N, typename Row>
void for_each_row(ShapeSpan shape, const std::array<Shape, N> &strides, Row &&row) {
  if (count_of(shape) == 0) return;
  std::array<std::int64_t, N> offsets{}, steps{};
  if (shape.empty()) return row(offsets, std::int64_t{1}, steps);
  const std::size_t last = shape.size() - 1;
  for (std::size_t k = 0; k < N; ++k) steps[k] = strides[k][last];
  Shape index(shape.size(), 0);
  while (true) {
    row(offsets, shape[last], steps);
    std::size_t axis = last;
    while (axis > 0) {
      --axis;
      for (std::size_t k = 0; k < N; ++k) offsets[k] += strides[k][axis];
      if (++index[axis] < shape[axis]) break;
      for (std::size_t k = 0; k < N; ++k) offsets[k] -= strides[k][axis] * shape[axis];
      index[axis] = 0;
      if (axis == 0) return;
    }
    if (last == 0) return;
  }
}

}  // namespace halftone::reference
