#include "ops/slice_range.h"

#include <algorithm>

namespace halftone::reference {

SliceRange::SliceRange(sdk::KernelInputs inputs) : shape(shape_copy(inputs[0])), strides(strides_of(shape)) {
  const Shape starts = integers_of(inputs[1]), ends = integers_of(inputs[2]);
  Shape axes = sdk::present(inputs, 3) ? integers_of(inputs[3]) : Shape{};
  const Shape steps = sdk::present(inputs, 4) ? integers_of(inputs[4]) : Shape(starts.size(), 1);
  for (std::size_t i = axes.size(); i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (ends.size() != starts.size() || steps.size() != starts.size() || axes.size() != starts.size()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "starts, ends, axes and steps differ in length");
  }
  for (std::size_t i = 0; i < starts.size(); ++i) narrow(axis_of(axes[i], shape.size()), starts[i], ends[i], steps[i]);
}

void SliceRange::narrow(std::size_t axis, std::int64_t start, std::int64_t end, std::int64_t step) {
  if (step == 0) throw sdk::Failure(HT_INVALID_ARGUMENT, "a step of 0");
  const std::int64_t n = shape[axis], low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  start = std::max<std::int64_t>(0, std::min(start < 0 ? start + n : start, high));
  end = std::clamp(end < 0 ? end + n : end, low, high);
  const std::int64_t span = step > 0 ? end - start : start - end;
  // A step beyond the extent takes one element; a smaller one with that effect keeps the rounding from overflowing.
  const std::int64_t stride = std::min(step > 0 ? step : (step == INT64_MIN ? INT64_MAX : -step), n + 1);
  shape[axis] = n == 0 || span <= 0 ? 0 : (span + stride - 1) / stride;
  offset += shape[axis] == 0 ? 0 : start * strides[axis];
  strides[axis] *= step > 0 ? stride : -stride;
}

}  // namespace halftone::reference
