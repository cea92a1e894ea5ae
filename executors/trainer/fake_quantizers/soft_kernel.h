// AdaRound's arithmetic as vector code that is chosen at run time; every target computes the same bits.
//
// code = clamp(floor(x / scale) + h(r), low, high) with low = quant_min - zero, high = quant_max - zero, y = code *
// scale; h(r) = clamp(1.2 sigmoid(r) - 0.1, 0, 1), or 1 where r >= 0 and else 0 when it is hard.
#pragma once

#include "step_kernel.h"

namespace halftone::trainer {

struct SoftGradient {
  float *dx = nullptr, *rounding = nullptr;  // rounding is added to
  double *scales = nullptr;                  // dy times code: floor() has no slope almost everywhere
};

void soft_forward(const StepGrid &grid, Grouping grouping, const float *x, const float *r, float *y, bool soft);
void soft_backward(const StepGrid &grid, Grouping grouping, const float *x, const float *r, const float *dy,
                   const SoftGradient &wanted);

// weight * sum(1 - |2 h - 1|^beta); adds its derivative to `gradient` unless that is null.
double soft_penalty(const float *r, std::size_t count, float weight, float beta, float *gradient);

}  // namespace halftone::trainer
