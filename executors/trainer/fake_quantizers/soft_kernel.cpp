#include "soft_kernel.h"

#include <algorithm>

#include "partial_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soft_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

#include "soft_step-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace {

// A block of sixteen elements, all with the scale of one group.
struct Block {
  float scale, low, high;

  HWY_INLINE void forward(const float *x, const float *r, float *y, bool soft) const {
    const FloatTag d;
    const Floats s = hn::Set(d, scale), least = hn::Set(d, low), most = hn::Set(d, high);
    for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
      const Floats rounding = hn::LoadU(d, r + i);
      const Floats up =
          soft ? soft_step(rounding).h : hn::IfThenElseZero(hn::Ge(rounding, hn::Zero(d)), hn::Set(d, 1.0F));
      const Floats raw = hn::Add(hn::Floor(hn::Div(hn::LoadU(d, x + i), s)), up);
      const Floats code = hn::IfThenElse(hn::Lt(raw, least), least, hn::IfThenElse(hn::Gt(raw, most), most, raw));
      hn::StoreU(hn::Mul(hn::Add(code, hn::Zero(d)), s), d, y + i);
    }
  }

  HWY_INLINE void backward(const float *x, const float *r, const float *dy, float *dx, float *dr, double *sums) const {
    const FloatTag d;
    const Floats s = hn::Set(d, scale), least = hn::Set(d, low), most = hn::Set(d, high);
    HWY_ALIGN float of_scale[kBlock];
    for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
      const SoftStep step = soft_step(hn::LoadU(d, r + i));
      const Floats g = hn::LoadU(d, dy + i);
      const Floats raw = hn::Add(hn::Floor(hn::Div(hn::LoadU(d, x + i), s)), step.h);
      const auto below = hn::Lt(raw, least), above = hn::Gt(raw, most), beyond = hn::Or(below, above);
      const Floats code = hn::IfThenElse(below, least, hn::IfThenElse(above, most, raw));
      hn::Store(hn::Mul(g, code), d, of_scale + i);
      if (dr != nullptr) {
        const Floats slope = hn::Mul(hn::Mul(g, s), step.slope);
        hn::StoreU(hn::Add(hn::LoadU(d, dr + i), hn::IfThenZeroElse(beyond, slope)), d, dr + i);
      }
      if (dx != nullptr) hn::StoreU(hn::IfThenZeroElse(beyond, g), d, dx + i);
    }
    if (sums == nullptr) return;
    for (std::size_t k = 0; k < kBlock; ++k) sums[k] += static_cast<double>(of_scale[k]);
  }
};

HWY_INLINE Block block_of(const StepGrid &grid, std::size_t group) {
  return {grid.scales[group], grid.quant_min - grid.zeros[group], grid.quant_max - grid.zeros[group]};
}

void SoftForward(const StepGrid &grid, Grouping g, const float *x, const float *r, float *y, bool soft) {
  for (std::size_t run = 0; run < g.outer * g.groups; ++run) {
    const Block block = block_of(grid, run % g.groups);
    std::size_t at = run * g.inner;
    const std::size_t end = at + g.inner;
    for (; at + kBlock <= end; at += kBlock) block.forward(x + at, r + at, y + at, soft);
    if (at == end) continue;
    float padded_x[kBlock] = {}, padded_r[kBlock] = {}, result[kBlock];
    std::copy(x + at, x + end, padded_x);
    std::copy(r + at, r + end, padded_r);
    block.forward(padded_x, padded_r, result, soft);
    std::copy_n(result, end - at, y + at);
  }
}

void SoftBackward(const StepGrid &grid, Grouping g, const float *x, const float *r, const float *dy,
                  const SoftGradient &wanted, PartialSums *sums) {
  const auto moved = [](float *to, std::size_t by) { return to == nullptr ? nullptr : to + by; };
  for (std::size_t run = 0; run < g.outer * g.groups; ++run) {
    const std::size_t group = run % g.groups;
    const Block block = block_of(grid, group);
    double *of_group = sums == nullptr ? nullptr : sums->of_group(group);
    std::size_t at = run * g.inner;
    const std::size_t end = at + g.inner;
    for (; at + kBlock <= end; at += kBlock) {
      block.backward(x + at, r + at, dy + at, moved(wanted.dx, at), moved(wanted.rounding, at), of_group);
    }
    if (at == end) continue;
    float padded_x[kBlock] = {}, padded_r[kBlock] = {}, padded_dy[kBlock] = {}, dx[kBlock] = {}, dr[kBlock] = {};
    std::copy(x + at, x + end, padded_x);
    std::copy(r + at, r + end, padded_r);
    std::copy(dy + at, dy + end, padded_dy);
    if (wanted.rounding != nullptr) std::copy(wanted.rounding + at, wanted.rounding + end, dr);
    block.backward(padded_x, padded_r, padded_dy, dx, dr, of_group);
    if (wanted.dx != nullptr) std::copy_n(dx, end - at, wanted.dx + at);
    if (wanted.rounding != nullptr) std::copy_n(dr, end - at, wanted.rounding + at);
  }
}

// values[k]: 1 - |2h - 1|^beta; the derivative with respect to r goes to slopes.
HWY_INLINE void penalty_block(const float *r, float beta, float *values, float *slopes) {
  const FloatTag d;
  const Floats one = hn::Set(d, 1.0F), two = hn::Set(d, 2.0F), exponent = hn::Set(d, beta - 1.0F);
  const Floats least = hn::Set(d, 1e-30F);
  for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
    const SoftStep step = soft_step(hn::LoadU(d, r + i));
    const Floats centred = hn::Sub(hn::Mul(two, step.h), one), size = hn::Abs(centred);
    // size^(beta - 1), 0 at 0; what would be denormal is 0.
    const Floats log_power = hn::Mul(exponent, logarithm(hn::Max(size, least)));
    const auto some = hn::And(hn::Ge(size, least), hn::Gt(log_power, hn::Set(d, -87.0F)));
    const Floats power = hn::IfThenElseZero(some, exponential(hn::Max(log_power, hn::Set(d, -87.0F))));
    hn::StoreU(hn::Sub(one, hn::Mul(power, size)), d, values + i);
    const Floats down = hn::Mul(hn::Mul(hn::Set(d, -2.0F * beta), hn::CopySign(power, centred)), step.slope);
    hn::StoreU(down, d, slopes + i);
  }
}

double SoftPenalty(const float *r, std::size_t count, float weight, float beta, float *gradient) {
  double sums[kBlock] = {};
  for (std::size_t at = 0; at < count; at += kBlock) {
    const std::size_t here = std::min(kBlock, count - at);
    float padded[kBlock] = {}, values[kBlock], slopes[kBlock];
    std::copy_n(r + at, here, padded);
    penalty_block(padded, beta, values, slopes);
    for (std::size_t k = 0; k < here; ++k) sums[k] += static_cast<double>(values[k]);
    if (gradient == nullptr) continue;
    for (std::size_t k = 0; k < here; ++k) gradient[at + k] += weight * slopes[k];
  }
  return static_cast<double>(weight) * add_pairwise(sums);
}

}  // namespace
}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <optional>

namespace halftone::trainer {

HWY_EXPORT(SoftForward);
HWY_EXPORT(SoftBackward);
HWY_EXPORT(SoftPenalty);

void soft_forward(const StepGrid &grid, Grouping grouping, const float *x, const float *r, float *y, bool soft) {
  HWY_DYNAMIC_DISPATCH(SoftForward)(grid, merged(grouping), x, r, y, soft);
}

void soft_backward(const StepGrid &grid, Grouping grouping, const float *x, const float *r, const float *dy,
                   const SoftGradient &wanted) {
  const Grouping g = merged(grouping);
  std::optional<PartialSums> sums;
  if (wanted.scales != nullptr) sums.emplace(g, true);
  HWY_DYNAMIC_DISPATCH(SoftBackward)(grid, g, x, r, dy, wanted, sums ? &*sums : nullptr);
  if (!sums) return;
  for (std::size_t group = 0; group < g.groups; ++group) wanted.scales[group] += sums->total(group);
}

double soft_penalty(const float *r, std::size_t count, float weight, float beta, float *gradient) {
  return HWY_DYNAMIC_DISPATCH(SoftPenalty)(r, count, weight, beta, gradient);
}

}  // namespace halftone::trainer
#endif
