#include "broadcast.h"

#include <algorithm>

namespace halftone::onednn {
namespace {

std::int64_t extent_at(const Shape &shape, std::size_t from_end) {
  return from_end < shape.size() ? shape[shape.size() - 1 - from_end] : 1;
}

}  // namespace

BroadcastPlan::BroadcastPlan(const Shape &a, const Shape &b, const Shape &out) {
  std::int64_t a_stride = 1, b_stride = 1;
  bool a_varies = false, b_varies = false;
  for (std::size_t i = 0; i < out.size(); ++i) {  // from the inside out
    const std::int64_t extent = extent_at(out, i), a_extent = extent_at(a, i), b_extent = extent_at(b, i);
    if (extent == 1) continue;
    const bool a_now = a_extent != 1, b_now = b_extent != 1;
    if (!extents.empty() && a_now == a_varies && b_now == b_varies) {
      extents.back() *= extent;
    } else {
      extents.push_back(extent);
      a_strides.push_back(a_now ? a_stride : 0);
      b_strides.push_back(b_now ? b_stride : 0);
    }
    a_varies = a_now;
    b_varies = b_now;
    a_stride *= a_extent;
    b_stride *= b_extent;
  }
  if (extents.empty()) {
    extents = {1};
    a_strides = b_strides = {1};
  }
  std::reverse(extents.begin(), extents.end());
  std::reverse(a_strides.begin(), a_strides.end());
  std::reverse(b_strides.begin(), b_strides.end());
}

}  // namespace halftone::onednn
