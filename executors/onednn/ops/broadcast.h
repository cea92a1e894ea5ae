// Element-wise loops over two plain tensors that broadcast against each other.
#pragma once

#include "../layout.h"

namespace halftone::onednn {

// Neighbouring axes that broadcast alike are one axis.
struct BroadcastPlan {
  BroadcastPlan(const Shape &a, const Shape &b, const Shape &out);
  Shape extents, a_strides, b_strides;  // from the outside in; at least one axis
};

using Loop = void (*)(const BroadcastPlan &, const float *, const float *, float *);

struct Plus {
  static float apply(float a, float b) { return a + b; }
};
struct Minus {
  static float apply(float a, float b) { return a - b; }
};
struct Times {
  static float apply(float a, float b) { return a * b; }
};
struct Over {
  static float apply(float a, float b) { return a / b; }
};
struct Larger {
  static float apply(float a, float b) { return a != a || a > b ? a : b; }
};
struct Smaller {
  static float apply(float a, float b) { return a != a || a < b ? a : b; }
};

template <typename Op>
void row_loop(const float *a, std::int64_t a_stride, const float *b, std::int64_t b_stride, float *out,
              std::int64_t n) {
  if (a_stride == 1 && b_stride == 1) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = Op::apply(a[i], b[i]);
  } else if (a_stride == 1) {
    const float y = *b;
    for (std::int64_t i = 0; i < n; ++i) out[i] = Op::apply(a[i], y);
  } else {
    const float x = *a;
    for (std::int64_t i = 0; i < n; ++i) out[i] = Op::apply(x, b[i * b_stride]);
  }
}

template <typename Op>
void broadcast_loop(const BroadcastPlan &plan, const float *a, const float *b, float *out) {
  const std::size_t last = plan.extents.size() - 1;
  const std::int64_t n = plan.extents[last];
  std::int64_t index[HT_MAX_RANK] = {};
  for (std::size_t axis = last;;) {
    row_loop<Op>(a, plan.a_strides[last], b, plan.b_strides[last], out, n);
    out += n;
    for (axis = last; axis-- > 0;) {
      a += plan.a_strides[axis];
      b += plan.b_strides[axis];
      if (++index[axis] < plan.extents[axis]) break;
      index[axis] = 0;
      a -= plan.a_strides[axis] * plan.extents[axis];
      b -= plan.b_strides[axis] * plan.extents[axis];
    }
    if (axis == static_cast<std::size_t>(-1)) return;
  }
}

}  // namespace halftone::onednn
