#include "core/calibration/accumulator_layout.h"

#include <algorithm>
#include <numeric>

#include "core/base/error.h"

namespace halftone::calibration {
namespace {

using Strides = std::array<std::int64_t, HT_MAX_RANK>;

bool is_blocked(const ht_tensor_view &view) {
  return view.block_size != 0;
}

std::int64_t blocks_of(const ht_tensor_view &view) {
  const std::int64_t extent = view.shape[view.block_axis];
  return extent / view.block_size + (extent % view.block_size != 0 ? 1 : 0);
}

// What the strides are when there is no gap and no other order of axes.
Strides dense_strides(const ht_tensor_view &view) {
  Strides strides{};
  std::int64_t step = is_blocked(view) ? view.block_size : 1;
  for (std::uint32_t k = view.rank; k-- > 0;) {
    strides[k] = step;
    step *= is_blocked(view) && k == view.block_axis ? blocks_of(view) : view.shape[k];
  }
  return strides;
}

Strides actual_strides(const ht_tensor_view &view) {
  if (view.strides == nullptr) return dense_strides(view);
  Strides strides{};
  std::copy_n(view.strides, view.rank, strides.begin());
  return strides;
}

// The stride of an axis of extent 1 is never used, and may be anything.
bool lies_in_order(const ht_tensor_view &view) {
  const Strides dense = dense_strides(view), actual = actual_strides(view);
  for (std::uint32_t k = 0; k < view.rank; ++k) {
    const std::int64_t steps = is_blocked(view) && k == view.block_axis ? blocks_of(view) : view.shape[k];
    if (steps != 1 && dense[k] != actual[k]) return false;
  }
  return true;
}

// Whether the elements of a plain view fill one stretch of memory, in whatever order of axes.
bool is_dense(const ht_tensor_view &view) {
  const Strides actual = actual_strides(view);
  std::array<std::uint32_t, HT_MAX_RANK> axes{};
  std::iota(axes.begin(), axes.begin() + view.rank, 0U);
  std::sort(axes.begin(), axes.begin() + view.rank,
            [&](std::uint32_t a, std::uint32_t b) { return actual[a] < actual[b]; });
  std::int64_t step = 1;
  for (std::uint32_t i = 0; i < view.rank; ++i) {
    const std::uint32_t k = axes[i];
    if (view.shape[k] == 1) continue;
    if (actual[k] != step) return false;
    step *= view.shape[k];
  }
  return true;
}

}  // namespace

void TensorLayout::check(const ht_tensor_view &view, bool by_channel, std::uint32_t channel_axis) const {
  if (view.dtype != HT_F32) {
    fail(Status::kInvalidArgument, "statistics are taken of float32 tensors, not of element type {}", view.dtype);
  }
  if (view.rank > HT_MAX_RANK || (view.rank > 0 && view.shape == nullptr)) {
    fail(Status::kInvalidArgument, "a tensor of rank {} without a valid shape", view.rank);
  }
  std::int64_t total = 1;
  for (std::uint32_t k = 0; k < view.rank; ++k) {
    if (view.shape[k] < 0) fail(Status::kInvalidArgument, "extent {} of axis {} is negative", view.shape[k], k);
    if (__builtin_mul_overflow(total, view.shape[k], &total)) fail(Status::kInvalidArgument, "the shape is too large");
  }
  if (is_blocked(view) && view.block_axis >= view.rank) {
    fail(Status::kInvalidArgument, "blocked axis {} of a tensor of rank {}", view.block_axis, view.rank);
  }
  if (total > 0 && view.data == nullptr) fail(Status::kInvalidArgument, "the tensor has no data");
  if (by_channel && channel_axis >= view.rank) {
    fail(Status::kInvalidArgument, "channel statistics along axis {} of a tensor of rank {}", channel_axis, view.rank);
  }
}

void TensorLayout::split_at(const ht_tensor_view &view, std::uint32_t axis) {
  for (std::uint32_t k = 0; k < view.rank; ++k) {
    const auto extent = static_cast<std::size_t>(view.shape[k]);
    (k < axis ? outer : k == axis ? channels : inner) *= extent;
  }
}

TensorLayout::TensorLayout(const ht_tensor_view &view, bool by_channel, std::uint32_t channel_axis) {
  check(view, by_channel, channel_axis);
  values = static_cast<const float *>(view.data);
  const bool row_major = lies_in_order(view);
  if (is_blocked(view) && row_major && (!by_channel || channel_axis == view.block_axis)) {
    split_at(view, view.block_axis);
    block = view.block_size;
    blocks = static_cast<std::size_t>(blocks_of(view));
    return;
  }
  split_at(view, by_channel ? channel_axis : view.rank);
  const bool in_place = !is_blocked(view) && (row_major || (!by_channel && is_dense(view)));
  if (!in_place && elements() > 0) copy(view);
}

TensorLayout::TensorLayout(const ht_tensor_view &view) {
  check(view, false, 0);
  values = static_cast<const float *>(view.data);
  split_at(view, view.rank);
  if ((is_blocked(view) || !lies_in_order(view)) && elements() > 0) copy(view);
}

void TensorLayout::copy(const ht_tensor_view &view) {
  const Strides strides = actual_strides(view);
  const auto offset_along = [&](std::uint32_t k, std::int64_t i) {
    if (!is_blocked(view) || k != view.block_axis) return i * strides[k];
    return i / view.block_size * strides[k] + i % view.block_size;
  };
  copy_.reserve(elements());
  // Rows along the last axis; the other axes count up like the digits of a number.
  const std::uint32_t last = view.rank - 1;
  std::array<std::int64_t, HT_MAX_RANK> at{};
  for (bool more = true; more;) {
    const float *row = values;
    for (std::uint32_t k = 0; k < last; ++k) row += offset_along(k, at[k]);
    for (std::int64_t i = 0; i < view.shape[last]; ++i) copy_.push_back(row[offset_along(last, i)]);
    more = false;
    for (std::uint32_t k = last; k-- > 0 && !more;) {
      more = ++at[k] < view.shape[k];
      if (!more) at[k] = 0;
    }
  }
  values = copy_.data();
}

}  // namespace halftone::calibration
