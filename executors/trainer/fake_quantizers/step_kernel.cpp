#include "step_kernel.h"

#include <algorithm>

#include "partial_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "step_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

#include "rounders-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace {

// What a block is rounded with: one scale and zero point, or one for each of its elements.
template <bool kVarying>
struct Line {
  const float *scales, *zeros;
  HWY_INLINE Floats scale(std::size_t i) const { return at(scales, i); }
  HWY_INLINE Floats zero(std::size_t i) const { return at(zeros, i); }

 private:
  static HWY_INLINE Floats at(const float *values, std::size_t i) {
    const FloatTag d;
    return kVarying ? hn::LoadU(d, values + i) : hn::Set(d, *values);
  }
};

template <bool kVarying, class Round>
HWY_INLINE void forward_block(const StepGrid &grid, Line<kVarying> line, Round round, const float *x, float *y) {
  const FloatTag d;
  const Floats least = hn::Set(d, grid.quant_min), most = hn::Set(d, grid.quant_max);
  for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
    const Floats scale = line.scale(i), zero = line.zero(i);
    const Floats low = hn::Sub(least, zero), high = hn::Sub(most, zero);
    const Floats rounded = round(hn::Div(hn::LoadU(d, x + i), scale));
    const Floats floored = hn::IfThenElse(hn::Lt(rounded, low), low, rounded);
    const Floats code = hn::IfThenElse(hn::Gt(floored, high), high, floored);
    hn::StoreU(hn::Mul(hn::Add(code, hn::Zero(d)), scale), d, y + i);  // -0 becomes +0
  }
}

// `scale_sums` and `offset_sums`: sixteen each.
template <bool kVarying, class Round>
HWY_INLINE void backward_block(const StepGrid &grid, Line<kVarying> line, Round round, const StepGradient &wanted,
                               const float *x, const float *dy, float *dx, double *scale_sums, double *offset_sums) {
  const FloatTag d;
  const Floats least = hn::Set(d, grid.quant_min), most = hn::Set(d, grid.quant_max);
  HWY_ALIGN float of_scale[kBlock];
  HWY_ALIGN float of_offset[kBlock];
  for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
    const Floats zero = line.zero(i), low = hn::Sub(least, zero), high = hn::Sub(most, zero);
    const Floats v = hn::Div(hn::LoadU(d, x + i), line.scale(i)), r = round(v), g = hn::LoadU(d, dy + i);
    const bool by_code = wanted.bounds == Bounds::kCode;
    const auto below = by_code ? hn::Lt(r, low) : hn::Le(v, low);
    const auto above = by_code ? hn::Gt(r, high) : hn::Ge(v, high);
    const auto beyond = hn::Or(below, above);
    const Floats error = wanted.counts_error ? hn::Sub(r, v) : hn::Zero(d);
    const Floats slope = hn::IfThenElse(below, low, hn::IfThenElse(above, high, error));
    hn::Store(hn::Mul(g, slope), d, of_scale + i);
    hn::Store(hn::IfThenElseZero(beyond, g), d, of_offset + i);
    if (dx != nullptr) hn::StoreU(hn::IfThenZeroElse(beyond, g), d, dx + i);
  }
  if (scale_sums != nullptr) {
    for (std::size_t k = 0; k < kBlock; ++k) scale_sums[k] += static_cast<double>(of_scale[k]);
  }
  if (offset_sums != nullptr) {
    for (std::size_t k = 0; k < kBlock; ++k) offset_sums[k] += static_cast<double>(of_offset[k]);
  }
}

// Cuts `count` elements into blocks; the last one goes through buffers that are padded with zeros, so that it meets the
// same instructions.
template <bool kVarying, class Round>
void forward_run(const StepGrid &grid, Line<kVarying> line, Round round, const float *x, float *y, std::size_t count) {
  std::size_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    const std::size_t at = kVarying ? i : 0;
    forward_block(grid, Line<kVarying>{line.scales + at, line.zeros + at}, round, x + i, y + i);
  }
  if (i == count) return;
  float padded[kBlock] = {}, result[kBlock];
  std::copy_n(x + i, count - i, padded);
  const std::size_t at = kVarying ? i : 0;
  forward_block(grid, Line<kVarying>{line.scales + at, line.zeros + at}, round, padded, result);
  std::copy_n(result, count - i, y + i);
}

template <bool kVarying, class Round>
void backward_run(const StepGrid &grid, Line<kVarying> line, Round round, const StepGradient &wanted, const float *x,
                  const float *dy, float *dx, double *scale_sums, double *offset_sums, std::size_t count) {
  const auto moved = [](double *sums, std::size_t by) { return sums == nullptr ? nullptr : sums + by; };
  std::size_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    const std::size_t at = kVarying ? i : 0;
    backward_block(grid, Line<kVarying>{line.scales + at, line.zeros + at}, round, wanted, x + i, dy + i,
                   dx == nullptr ? nullptr : dx + i, moved(scale_sums, at), moved(offset_sums, at));
  }
  if (i == count) return;
  float padded_x[kBlock] = {}, padded_dy[kBlock] = {}, result[kBlock];
  std::copy_n(x + i, count - i, padded_x);
  std::copy_n(dy + i, count - i, padded_dy);
  const std::size_t at = kVarying ? i : 0;
  backward_block(grid, Line<kVarying>{line.scales + at, line.zeros + at}, round, wanted, padded_x, padded_dy, result,
                 moved(scale_sums, at), moved(offset_sums, at));
  if (dx != nullptr) std::copy_n(result, count - i, dx + i);
}

template <class Round>
void forward_all(const StepGrid &grid, Grouping g, Round round, const float *x, float *y) {
  if (is_by_row(g)) {
    const std::vector<float> scales = by_place(grid.scales, g, 1.0F), zeros = by_place(grid.zeros, g, 0.0F);
    const std::size_t row = g.groups * g.inner;
    for (std::size_t o = 0; o < g.outer; ++o) {
      forward_run(grid, Line<true>{scales.data(), zeros.data()}, round, x + o * row, y + o * row, row);
    }
    return;
  }
  for (std::size_t run = 0; run < g.outer * g.groups; ++run) {
    const std::size_t group = run % g.groups;
    forward_run(grid, Line<false>{grid.scales + group, grid.zeros + group}, round, x + run * g.inner, y + run * g.inner,
                g.inner);
  }
}

template <class Round>
void backward_all(const StepGrid &grid, Grouping g, Round round, const float *x, const float *dy,
                  const StepGradient &wanted, PartialSums *scale_sums, PartialSums *offset_sums) {
  const auto dx_at = [&](std::size_t i) { return wanted.dx == nullptr ? nullptr : wanted.dx + i; };
  if (is_by_row(g)) {
    const std::vector<float> scales = by_place(grid.scales, g, 1.0F), zeros = by_place(grid.zeros, g, 0.0F);
    const std::size_t row = g.groups * g.inner;
    for (std::size_t o = 0; o < g.outer; ++o) {
      backward_run(grid, Line<true>{scales.data(), zeros.data()}, round, wanted, x + o * row, dy + o * row,
                   dx_at(o * row), scale_sums == nullptr ? nullptr : scale_sums->data(),
                   offset_sums == nullptr ? nullptr : offset_sums->data(), row);
    }
    return;
  }
  for (std::size_t run = 0; run < g.outer * g.groups; ++run) {
    const std::size_t group = run % g.groups, at = run * g.inner;
    backward_run(grid, Line<false>{grid.scales + group, grid.zeros + group}, round, wanted, x + at, dy + at, dx_at(at),
                 scale_sums == nullptr ? nullptr : scale_sums->of_group(group),
                 offset_sums == nullptr ? nullptr : offset_sums->of_group(group), g.inner);
  }
}

void StepsForward(const StepGrid &grid, Grouping grouping, const float *x, float *y) {
  with_rounder(grid.rounding, [&](auto round) HWY_ATTR { forward_all(grid, grouping, round, x, y); });
}

void StepsBackward(const StepGrid &grid, Grouping grouping, const float *x, const float *dy, const StepGradient &wanted,
                   PartialSums *scale_sums, PartialSums *offset_sums) {
  with_rounder(grid.rounding, [&](auto round) HWY_ATTR {
    backward_all(grid, grouping, round, x, dy, wanted, scale_sums, offset_sums);
  });
}

}  // namespace
}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <optional>

namespace halftone::trainer {

HWY_EXPORT(StepsForward);
HWY_EXPORT(StepsBackward);

void steps_forward(const StepGrid &grid, Grouping grouping, const float *x, float *y) {
  HWY_DYNAMIC_DISPATCH(StepsForward)(grid, merged(grouping), x, y);
}

void steps_backward(const StepGrid &grid, Grouping grouping, const float *x, const float *dy,
                    const StepGradient &wanted) {
  const Grouping g = merged(grouping);
  std::optional<PartialSums> scale_sums, offset_sums;
  if (wanted.scales != nullptr) scale_sums.emplace(g);
  if (wanted.offsets != nullptr) offset_sums.emplace(g);
  HWY_DYNAMIC_DISPATCH(StepsBackward)
  (grid, g, x, dy, wanted, scale_sums ? &*scale_sums : nullptr, offset_sums ? &*offset_sums : nullptr);
  for (std::size_t group = 0; group < g.groups; ++group) {
    if (scale_sums) wanted.scales[group] += scale_sums->total(group);
    if (offset_sums) wanted.offsets[group] -= offset_sums->total(group) * static_cast<double>(grid.scales[group]);
  }
}

}  // namespace halftone::trainer
#endif
