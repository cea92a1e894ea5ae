// Gradients of DSQ's soft staircase as vector code that is chosen at run time; every target computes the same bits.
#pragma once

#include "step_kernel.h"

namespace halftone::trainer {

// psi(v) = floor(v) + 1/2 + height / 2 * tanh(steepness * (v - floor(v) - 1/2))
struct Stair {
  float height, steepness;
};

// dx = dy * psi'(v); `scales` (null: not wanted) gets the sums of dy * (psi(v) - v psi'(v)), of dy * low where v <= low
// and of dy * high where v >= high.
void stair_backward(const StepGrid &grid, const Stair &stair, Grouping grouping, const float *x, const float *dy,
                    float *dx, double *scales);

}  // namespace halftone::trainer
