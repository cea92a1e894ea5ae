#include "ops/shape.h"

#include <algorithm>
#include <string>

namespace halftone::reference {

std::int64_t count_of(ShapeSpan shape) {
  return count_of(shape, 0, shape.size());
}

std::int64_t count_of(ShapeSpan shape, std::size_t begin, std::size_t end) {
  std::int64_t n = 1;
  for (std::size_t i = begin; i < end; ++i) {
    if (__builtin_mul_overflow(n, shape[i], &n)) {
      throw sdk::Failure(HT_RESOURCE_EXHAUSTED, "a tensor of more elements than memory can hold");
    }
  }
  return n;
}

Shape strides_of(ShapeSpan shape) {
  Shape strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::size_t axis_of(std::int64_t axis, std::size_t rank) {
  const auto n = static_cast<std::int64_t>(rank);
  if (axis < -n || axis >= n) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "axis " + std::to_string(axis) + " of a tensor of " + std::to_string(rank) + " axes");
  }
  return static_cast<std::size_t>(axis < 0 ? axis + n : axis);
}

Shape broadcast(ShapeSpan a, ShapeSpan b) {
  Shape out(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "extents " + std::to_string(x) + " and " + std::to_string(y) + " do not broadcast");
    }
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

Shape broadcast_strides(ShapeSpan from, ShapeSpan to) {
  const Shape own = strides_of(from);
  Shape strides(to.size(), 0);
  const std::size_t shift = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) strides[i + shift] = from[i] == 1 ? 0 : own[i];
  return strides;
}

Shape integers_of(const ht_tensor_view &t) {
  const std::int64_t n = count_of(t);
  if (n == 0) return {};
  if (t.data == nullptr) throw sdk::needs_data();
  if (t.dtype == HT_I64) {
    const auto *p = static_cast<const std::int64_t *>(t.data);
    return {p, p + n};
  }
  if (t.dtype == HT_I32) {
    const auto *p = static_cast<const std::int32_t *>(t.data);
    return {p, p + n};
  }
  throw sdk::Failure(HT_INVALID_ARGUMENT, "an input that must hold int64 values has another type");
}

}  // namespace halftone::reference
