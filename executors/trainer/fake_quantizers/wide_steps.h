// The same as step_kernel.h for the ranges that float32 does not hold (a bias of 32 bits), in double, and for float8,
// whose codes are the values of the format: plain code, one element after the other, sums in that order.
#pragma once

#include "step_kernel.h"

namespace halftone::trainer {

// Whether every integer involved is exact in float32.
bool fits_float32(const PointSpec &spec);

// `zeros` are whole numbers, one per group; float8 has none and does not read them. Float8 is beyond its range where
// |v| is larger than the largest finite value.
void wide_forward(const PointSpec &spec, const float *scales, const float *zeros, Grouping grouping, const float *x,
                  float *y);
void wide_backward(const PointSpec &spec, const float *scales, const float *zeros, Grouping grouping, const float *x,
                   const float *dy, const StepGradient &wanted);

// round(x) under one of HT_ROUND_*, exactly.
double rounded(double x, std::uint32_t rounding);
// The nearest value of a float8 format, ties to even, not limited to the format's range.
double rounded_float8(double x, std::uint32_t kind);

}  // namespace halftone::trainer
