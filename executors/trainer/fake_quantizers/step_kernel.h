// Rounding to a grid and the gradients through it, as vector code that is chosen at run time. For integer ranges in
// which float32 is exact; wide_steps.h has the others.
//
// v = x / scale, r = round(v), code = clamp(r, low, high) with low = quant_min - zero, high = quant_max - zero, and
// y = code * scale. Every target computes the same bits.
#pragma once

#include <cstdint>

#include "../fake_quantizer.h"
#include "drop_mask.h"

namespace halftone::trainer {

struct StepGrid {
  const float *scales = nullptr, *zeros = nullptr;  // one per group; zeros are whole numbers
  float quant_min = 0, quant_max = 0;
  std::uint32_t rounding = HT_ROUND_HALF_EVEN;
};

// By what an element is beyond the range: r < low or r > high, or v <= low or v >= high (which is where the clamp acts
// that comes before rounding).
enum class Bounds { kCode, kValue };

// What is wanted. Sums are over dy times d(y) / d(scale): low or high beyond the range, inside r - v where
// `counts_error` and else 0; and over dy beyond the range, times -scale.
struct StepGradient {
  Bounds bounds = Bounds::kCode;
  bool counts_error = true;
  float *dx = nullptr;
  double *scales = nullptr, *offsets = nullptr;
  const DropMask *kept = nullptr;
};

// Elements that are not `kept` pass as they are, forward and backward, and count in no sum; null: all are kept.
void steps_forward(const StepGrid &grid, Grouping grouping, const float *x, float *y, const DropMask *kept = nullptr);
void steps_backward(const StepGrid &grid, Grouping grouping, const float *x, const float *dy,
                    const StepGradient &wanted);

}  // namespace halftone::trainer
