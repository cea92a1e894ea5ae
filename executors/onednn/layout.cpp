#include "layout.h"

#include <algorithm>

#include "halftone/status.hpp"

namespace halftone::onednn {
namespace {

constexpr std::size_t kMaxRank = 12;

Dims dims_for(std::span<const std::int64_t> shape) {
  return shape.empty() ? Dims{1} : Dims(shape.begin(), shape.end());
}

// Extents and strides in the order of the logical index, inner blocks behind their axis; axes of one element left out.
std::vector<std::pair<std::int64_t, std::int64_t>> walk(const api::Blocking &b) {
  std::vector<std::int64_t> inner_strides(b.inner_sizes.size());
  std::int64_t stride = 1;
  for (std::size_t i = b.inner_sizes.size(); i-- > 0;) {
    inner_strides[i] = stride;
    stride *= b.inner_sizes[i];
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> out;
  for (std::size_t axis = 0; axis < b.dims.size(); ++axis) {
    std::int64_t block = 1;
    for (std::size_t i = 0; i < b.inner_sizes.size(); ++i) {
      if (b.inner_axes[i] == static_cast<std::int64_t>(axis)) block *= b.inner_sizes[i];
    }
    if (b.padded[axis] / block > 1) out.emplace_back(b.padded[axis] / block, b.strides[axis]);
    for (std::size_t i = 0; i < b.inner_sizes.size(); ++i) {
      if (b.inner_axes[i] != static_cast<std::int64_t>(axis) || b.inner_sizes[i] == 1) continue;
      out.emplace_back(b.inner_sizes[i], inner_strides[i]);
    }
  }
  return out;
}

// oneDNN makes blocked descriptors from tags only: the usual ones, with channels in blocks of 8 or 16.
Desc blocked_desc(const Order &order, std::span<const std::int64_t> shape) {
  using Tag = dnnl::memory::format_tag;
  constexpr Tag kTags[2][3] = {{Tag::nCw8c, Tag::nChw8c, Tag::nCdhw8c}, {Tag::nCw16c, Tag::nChw16c, Tag::nCdhw16c}};
  const bool usual = order.block_axis == 1 && (order.block == 8 || order.block == 16) && shape.size() >= 3 &&
                     shape.size() <= 5 && std::is_sorted(order.axes.begin(), order.axes.end());
  if (!usual) return plain_desc(shape);
  return Desc(dims_for(shape), api::kF32, kTags[order.block == 16 ? 1 : 0][shape.size() - 3]);
}

}  // namespace

std::int64_t count_of(std::span<const std::int64_t> shape) {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) n *= extent;
  return n;
}

namespace {

std::size_t size_of(ht_dtype dtype) {
  switch (dtype) {
    case HT_DTYPE_NONE:  // an optional input that was left out
      return 0;
    case HT_I8:
    case HT_U8:
    case HT_BOOL:
    case HT_F8E4M3FN:
    case HT_F8E5M2:
    case HT_F8E4M3FNUZ:
    case HT_F8E5M2FNUZ:
      return 1;
    case HT_F16:
    case HT_BF16:
    case HT_I16:
    case HT_U16:
      return 2;
    case HT_F32:
    case HT_I32:
    case HT_U32:
      return 4;
    case HT_F64:
    case HT_I64:
    case HT_U64:
    case HT_C64:
      return 8;
    case HT_C128:
      return 16;
    default:
      throw sdk::Failure(HT_UNIMPLEMENTED, "executor onednn: element type " + std::to_string(dtype));
  }
}

}  // namespace

std::size_t bytes_of(ht_dtype dtype, std::int64_t count) {
  const auto n = static_cast<std::size_t>(count);
  return dtype == HT_I4 || dtype == HT_U4 ? (n + 1) / 2 : n * size_of(dtype);
}

Desc plain_desc(std::span<const std::int64_t> shape) {
  const Dims dims = dims_for(shape);
  Dims strides(dims.size(), 1);
  for (std::size_t i = dims.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * std::max<std::int64_t>(dims[i + 1], 1);
  return strided_desc(dims, strides);
}

Desc strided_desc(const Dims &dims, const Dims &strides) {
  return Desc(dims, api::kF32, strides);
}

Desc any_desc(std::span<const std::int64_t> shape) {
  return Desc(dims_for(shape), api::kF32, dnnl::memory::format_tag::any);
}

bool describable(ht_dtype dtype, std::span<const std::int64_t> shape) {
  return dtype == HT_F32 && shape.size() <= kMaxRank && count_of(shape) > 0;
}

bool row_major(const Desc &desc) {
  if (!api::is_blocked_kind(desc) || padded(desc)) return false;
  std::int64_t expected = 1;
  const auto axes = walk(api::blocking_of(desc));
  for (std::size_t i = axes.size(); i-- > 0;) {
    if (axes[i].second != expected) return false;
    expected *= axes[i].first;
  }
  return true;
}

bool same_layout(const Desc &a, const Desc &b) {
  if (a == b) return true;
  if (!api::is_blocked_kind(a) || !api::is_blocked_kind(b)) return false;
  const api::Blocking x = api::blocking_of(a), y = api::blocking_of(b);
  if (x.dims != y.dims || x.padded != y.padded) return false;
  if (x.padded == x.dims && row_major(a) && row_major(b)) return true;
  if (x.inner_sizes != y.inner_sizes || x.inner_axes != y.inner_axes) return false;
  return walk(x) == walk(y) && a.get_size() == b.get_size();
}

bool padded(const Desc &desc) {
  const api::Blocking b = api::blocking_of(desc);
  return b.padded != b.dims;
}

Order order_of(const Desc &desc) {
  Order order;
  if (!api::is_blocked_kind(desc)) return {{}, -1, 0};
  const api::Blocking b = api::blocking_of(desc);
  if (b.inner_sizes.size() > 1) return {{}, -1, 0};
  for (std::size_t i = 0; i < b.dims.size(); ++i) order.axes.push_back(i);
  std::stable_sort(order.axes.begin(), order.axes.end(),
                   [&](std::size_t x, std::size_t y) { return b.strides[x] > b.strides[y]; });
  if (!b.inner_sizes.empty()) {
    order.block = b.inner_sizes[0];
    order.block_axis = static_cast<std::size_t>(b.inner_axes[0]);
  }
  if (!same_layout(desc, in_order(order, b.dims))) order.block = -1;
  return order;
}

Desc in_order(const Order &order, std::span<const std::int64_t> shape) {
  if (order.block > 0) return blocked_desc(order, shape);
  Dims strides(shape.size(), 1);
  std::int64_t stride = 1;
  for (std::size_t i = order.axes.size(); i-- > 0;) {
    strides[order.axes[i]] = stride;
    stride *= shape[order.axes[i]];
  }
  return strided_desc(dims_for(shape), strides);
}

ht_tensor_view Layout::view(void *data) const {
  ht_tensor_view v{};
  v.struct_size = sizeof(v);
  v.dtype = dtype;
  v.rank = static_cast<std::uint32_t>(shape.size());
  v.shape = shape.data();
  v.strides = contiguous ? nullptr : strides.data();
  v.data = data;
  v.block_axis = block_axis;
  v.block_size = block_size;
  return v;
}

Layout plain_layout(ht_dtype dtype, Shape shape) {
  Layout out;
  out.dtype = dtype;
  out.shape = std::move(shape);
  return out;
}

bool layout_of(const Desc &desc, const Shape &shape, Layout &out) {
  out = plain_layout(HT_F32, shape);
  if (row_major(desc)) return true;
  if (!api::is_blocked_kind(desc)) return false;
  const api::Blocking b = api::blocking_of(desc);
  if (b.inner_sizes.size() > 1 || b.dims.size() != shape.size()) return false;
  out.contiguous = false;
  out.strides.assign(b.strides.begin(), b.strides.end());
  if (b.inner_sizes.empty()) return !padded(desc);
  out.block_axis = static_cast<std::uint32_t>(b.inner_axes[0]);
  out.block_size = static_cast<std::uint32_t>(b.inner_sizes[0]);
  return true;
}

}  // namespace halftone::onednn
