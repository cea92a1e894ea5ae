#include "strided_copy.h"

#include <algorithm>
#include <cstring>

namespace halftone::onednn {
namespace {

void copy_row(const float *from, std::int64_t from_stride, float *to, std::int64_t to_stride, std::int64_t n) {
  if (from_stride == 1 && to_stride == 1) {
    std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
  } else if (to_stride == 1) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * from_stride];
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
  }
}

}  // namespace

StridedCopy::StridedCopy(const Shape &extents, const Shape &from_strides, const Shape &to_strides,
                         std::int64_t from_offset, std::int64_t to_offset)
    : from_offset_(from_offset), to_offset_(to_offset) {
  std::vector<Axis> sorted;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] != 1) sorted.push_back({extents[i], from_strides[i], to_strides[i]});
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Axis &a, const Axis &b) { return a.to > b.to; });
  for (const Axis &axis : sorted) {
    const bool goes_on =
        !axes_.empty() && axes_.back().from == axis.from * axis.extent && axes_.back().to == axis.to * axis.extent;
    if (goes_on) {
      axes_.back() = {axes_.back().extent * axis.extent, axis.from, axis.to};
    } else {
      axes_.push_back(axis);
    }
  }
  if (axes_.empty()) axes_.push_back({1, 1, 1});
}

void StridedCopy::run(const float *from, float *to) const {
  from += from_offset_;
  to += to_offset_;
  const std::size_t last = axes_.size() - 1;
  std::int64_t index[HT_MAX_RANK] = {};
  for (;;) {
    copy_row(from, axes_[last].from, to, axes_[last].to, axes_[last].extent);
    std::size_t axis = last;
    while (axis-- > 0) {
      from += axes_[axis].from;
      to += axes_[axis].to;
      if (++index[axis] < axes_[axis].extent) break;
      index[axis] = 0;
      from -= axes_[axis].from * axes_[axis].extent;
      to -= axes_[axis].to * axes_[axis].extent;
    }
    if (axis == static_cast<std::size_t>(-1)) return;
  }
}

}  // namespace halftone::onednn
