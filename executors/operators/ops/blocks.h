// DepthToSpace and SpaceToDepth as one box of six axes in two layouts.
#pragma once

#include "ops/shape.h"

namespace halftone::reference {

struct Blocks {
  std::int64_t n, c, h, w, size;  // c, h, w of the deep side divided by size^2, 1, 1
  Shape deep_strides, wide_strides, shape;

  // `crd`: the channel axis is (c, row, column) instead of (row, column, c).
  Blocks(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width, std::int64_t block,
         bool crd)
      : n(batch), c(channels), h(height), w(width), size(block) {
    const std::int64_t plane = h * w, row = crd ? size * plane : size * c * plane, column = crd ? plane : c * plane;
    shape = {n, c, h, size, w, size};
    deep_strides = {c * size * size * plane, crd ? size * size * plane : plane, w, row, 1, column};
    wide_strides = {c * h * size * w * size, h * size * w * size, size * w * size, w * size, size, 1};
  }
};

// The attribute, of which the square must not wrap either.
inline std::int64_t block_size(const sdk::OpNode &node) {
  const std::int64_t size = node.integer("blocksize", 1);
  if (size < 1 || size >= std::int64_t{1} << 20) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "blocksize is " + std::to_string(size));
  }
  return size;
}

}  // namespace halftone::reference
