// Moving elements of any type between strided layouts.
#pragma once

#include <cstring>

#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {

// Copies a box of `shape` elements. Offsets and strides count elements; a stride may be 0 or negative.
inline void copy_box(ht_dtype dtype, ShapeSpan shape, const void *from, std::int64_t from_offset,
                     const Shape &from_strides, void *to, std::int64_t to_offset, const Shape &to_strides) {
  dispatch_size(dtype, [&]<typename T>() {
    const T *source = static_cast<const T *>(from) + from_offset;
    T *target = static_cast<T *>(to) + to_offset;
    for_each_row<2>(shape, {from_strides, to_strides}, [&](const auto &at, std::int64_t n, const auto &step) {
      for (std::int64_t i = 0; i < n; ++i) target[at[1] + i * step[1]] = source[at[0] + i * step[0]];
    });
  });
}

// The same elements in the same order.
inline void copy_all(const ht_tensor_view &from, ht_tensor_view &to) {
  const std::size_t bytes = bytes_of(from.dtype, count_of(from));
  if (bytes != 0) std::memcpy(to.data, from.data, bytes);
}

// Fills `count` elements with the one at `value`.
inline void fill(ht_dtype dtype, const void *value, void *to, std::int64_t count) {
  dispatch_size(dtype, [&]<typename T>() {
    T element;
    std::memcpy(&element, value, sizeof(T));
    for (std::int64_t i = 0; i < count; ++i) static_cast<T *>(to)[i] = element;
  });
}

}  // namespace halftone::reference
