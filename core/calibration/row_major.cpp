#include "core/calibration/row_major.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "core/base/error.h"
#include "core/model/tensor.h"

namespace halftone::calibration {
namespace {

using Strides = std::array<std::int64_t, HT_MAX_RANK>;

bool splits(const ht_tensor_view &view, std::uint32_t axis) {
  return view.block_size != 0 && view.block_axis == axis;
}

Strides strides_of(const ht_tensor_view &view) {
  Strides strides{};
  std::int64_t step = view.block_size == 0 ? 1 : view.block_size;
  for (std::uint32_t k = view.rank; k-- > 0;) {
    strides[k] = view.strides == nullptr ? step : view.strides[k];
    step *= splits(view, k) ? (view.shape[k] + view.block_size - 1) / view.block_size : view.shape[k];
  }
  return strides;
}

// Calls take(offset) for every element in row-major order; the axes count up like the digits of a number.
template <class Take>
void for_each_offset(const ht_tensor_view &view, const Take &take) {
  const Strides strides = strides_of(view);
  const auto along = [&](std::uint32_t k, std::int64_t i) {
    return splits(view, k) ? i / view.block_size * strides[k] + i % view.block_size : i * strides[k];
  };
  Strides at{};
  for (;;) {
    std::int64_t base = 0;
    for (std::uint32_t k = 0; k + 1 < view.rank; ++k) base += along(k, at[k]);
    if (view.rank == 0) return take(std::int64_t{0});
    const std::uint32_t last = view.rank - 1;
    for (std::int64_t i = 0; i < view.shape[last]; ++i) take(base + along(last, i));
    std::uint32_t k = last;
    while (k-- > 0 && ++at[k] == view.shape[k]) at[k] = 0;
    if (k == ~std::uint32_t{0}) return;
  }
}

bool is_float(ht_dtype dtype) {
  return dtype == HT_F32 || dtype == HT_F64 || dtype == HT_F16 || dtype == HT_BF16;
}

}  // namespace

bool is_row_major(const ht_tensor_view &view) {
  if (view.block_size != 0) return false;
  if (view.strides == nullptr) return true;
  std::int64_t step = 1;
  for (std::uint32_t k = view.rank; k-- > 0; step *= view.shape[k]) {
    if (view.shape[k] != 1 && view.strides[k] != step) return false;
  }
  return true;
}

std::vector<std::byte> row_major_copy(const ht_tensor_view &view) {
  const std::int64_t count = model::element_count({view.shape, view.rank});
  const auto *from = static_cast<const std::byte *>(view.data);
  if (is_row_major(view)) return {from, from + model::dtype_bytes(view.dtype, count)};
  const std::size_t width = model::dtype_bytes(view.dtype, 1);
  if (model::dtype_bytes(view.dtype, 2) != 2 * width) {
    fail(Status::kInvalidArgument, "a tensor of elements below a byte can only be read in row-major order");
  }
  std::vector<std::byte> out(static_cast<std::size_t>(count) * width);
  if (count == 0) return out;
  std::byte *to = out.data();
  for_each_offset(view, [&](std::int64_t offset) {
    std::memcpy(to, from + static_cast<std::size_t>(offset) * width, width);
    to += width;
  });
  return out;
}

std::vector<float> row_major_floats(const ht_tensor_view &view) {
  const std::int64_t count = model::element_count({view.shape, view.rank});
  if (!is_float(view.dtype)) fail(Status::kInvalidArgument, "it holds no floating-point numbers");
  std::vector<float> out;
  if (count == 0) return out;
  if (view.dtype == HT_F32 && !is_row_major(view)) {
    out.reserve(static_cast<std::size_t>(count));
    const auto *from = static_cast<const float *>(view.data);
    for_each_offset(view, [&](std::int64_t offset) { out.push_back(from[offset]); });
    return out;
  }
  const std::vector<std::byte> bytes = row_major_copy(view);
  return model::Tensor(view.dtype, {view.shape, view.shape + view.rank}, std::span(bytes), nullptr).to_floats();
}

}  // namespace halftone::calibration
