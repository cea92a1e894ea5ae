// Memory layouts: oneDNN descriptors, and the views of the plug-in ABI that describe the same bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dnnl_api.h"
#include "halftone/tensor.h"

namespace halftone::onednn {

using api::Desc;
using api::Dims;
using Shape = std::vector<std::int64_t>;

std::int64_t count_of(std::span<const std::int64_t> shape);
// Bytes of so many elements; 4-bit ones are packed, two in a byte. Throws Failure for types that are no plain data.
std::size_t bytes_of(ht_dtype dtype, std::int64_t count);

// Row-major float32. A scalar becomes one element of rank 1: oneDNN has no rank 0.
Desc plain_desc(std::span<const std::int64_t> shape);
// Row-major dims whose axes lie in memory with these strides.
Desc strided_desc(const Dims &dims, const Dims &strides);
// Left to the primitive to choose.
Desc any_desc(std::span<const std::int64_t> shape);

// The rank that oneDNN can describe.
bool describable(ht_dtype dtype, std::span<const std::int64_t> shape);

// Whether the bytes are those of a contiguous row-major tensor: also true of nChw8c with one pixel.
bool row_major(const Desc &desc);
// Whether two descriptors put every element at the same place (strides of axes of one element do not matter).
bool same_layout(const Desc &a, const Desc &b);
bool padded(const Desc &desc);

// The order of the axes in memory, from the outside in, and the block that is split off one of them and lies innermost.
// `block` is -1 for what is not dense or has several blocks.
struct Order {
  std::vector<std::size_t> axes;
  std::int64_t block = 0;
  std::size_t block_axis = 0;
};
Order order_of(const Desc &desc);
// The descriptor of another shape in the same order.
Desc in_order(const Order &order, std::span<const std::int64_t> shape);

// The view of a buffer: arrays live in the Layout.
struct Layout {
  Shape shape, strides;
  ht_dtype dtype = HT_F32;
  std::uint32_t block_axis = 0, block_size = 0;
  bool contiguous = true;
  ht_tensor_view view(void *data) const;
};
Layout plain_layout(ht_dtype dtype, Shape shape);
// False when the descriptor is more than one split axis.
bool layout_of(const Desc &desc, const Shape &shape, Layout &out);

}  // namespace halftone::onednn
