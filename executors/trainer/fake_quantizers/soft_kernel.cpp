#include "soft_kernel.h"

#include "partial_sums.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "soft_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

#include "blocks-inl.h"
#include "soft_step-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace {

// Inputs x and r, output y.
struct Forward {
  static constexpr std::size_t kIn = 2, kOut = 1;
  static constexpr bool kAdds = false;
  const StepGrid &grid;
  bool soft;

  template <bool kVarying>
  HWY_INLINE void operator()(Line<kVarying> line, const Data<Forward> &data) const {
    const FloatTag d;
    for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
      const Floats s = line.scale(i), zero = line.zero(i), r = hn::LoadU(d, data.in[1] + i);
      const Floats least = hn::Sub(hn::Set(d, grid.quant_min), zero), most = hn::Sub(hn::Set(d, grid.quant_max), zero);
      const Floats up = soft ? soft_step(r).h : hn::IfThenElseZero(hn::Ge(r, hn::Zero(d)), hn::Set(d, 1.0F));
      const Floats raw = hn::Add(hn::Floor(hn::Div(hn::LoadU(d, data.in[0] + i), s)), up);
      const Floats code = hn::IfThenElse(hn::Lt(raw, least), least, hn::IfThenElse(hn::Gt(raw, most), most, raw));
      hn::StoreU(hn::Mul(hn::Add(code, hn::Zero(d)), s), d, data.out[0] + i);
    }
  }
};

// Inputs x, r and dy, outputs dx and what is added to dr.
struct Backward {
  static constexpr std::size_t kIn = 3, kOut = 2;
  static constexpr bool kAdds = true;
  const StepGrid &grid;

  template <bool kVarying>
  HWY_INLINE void operator()(Line<kVarying> line, const Data<Backward> &data) const {
    const FloatTag d;
    HWY_ALIGN float of_scale[kBlock];
    for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
      const Floats s = line.scale(i), zero = line.zero(i), g = hn::LoadU(d, data.in[2] + i);
      const Floats least = hn::Sub(hn::Set(d, grid.quant_min), zero), most = hn::Sub(hn::Set(d, grid.quant_max), zero);
      const SoftStep step = soft_step(hn::LoadU(d, data.in[1] + i));
      const Floats raw = hn::Add(hn::Floor(hn::Div(hn::LoadU(d, data.in[0] + i), s)), step.h);
      const auto below = hn::Lt(raw, least), above = hn::Gt(raw, most), beyond = hn::Or(below, above);
      const Floats code = hn::IfThenElse(below, least, hn::IfThenElse(above, most, raw));
      hn::Store(hn::Mul(g, code), d, of_scale + i);
      if (data.out[1] != nullptr) {
        const Floats slope = hn::Mul(hn::Mul(g, s), step.slope);
        hn::StoreU(hn::Add(hn::LoadU(d, data.out[1] + i), hn::IfThenZeroElse(beyond, slope)), d, data.out[1] + i);
      }
      if (data.out[0] != nullptr) hn::StoreU(hn::IfThenZeroElse(beyond, g), d, data.out[0] + i);
    }
    add_block(data.scale_sums, of_scale);
  }
};

void SoftForward(const StepGrid &grid, Grouping g, const float *x, const float *r, float *y, bool soft) {
  over_groups(Forward{grid, soft}, grid, g, Data<Forward>{{x, r}, {y}}, nullptr, nullptr);
}

void SoftBackward(const StepGrid &grid, Grouping g, const float *x, const float *r, const float *dy,
                  const SoftGradient &wanted, PartialSums *sums) {
  over_groups(Backward{grid}, grid, g, Data<Backward>{{x, r, dy}, {wanted.dx, wanted.rounding}}, sums, nullptr);
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
  if (wanted.scales != nullptr) sums.emplace(g);
  HWY_DYNAMIC_DISPATCH(SoftBackward)(grid, g, x, r, dy, wanted, sums ? &*sums : nullptr);
  if (!sums) return;
  for (std::size_t group = 0; group < g.groups; ++group) wanted.scales[group] += sums->total(group);
}

double soft_penalty(const float *r, std::size_t count, float weight, float beta, float *gradient) {
  return HWY_DYNAMIC_DISPATCH(SoftPenalty)(r, count, weight, beta, gradient);
}

}  // namespace halftone::trainer
#endif
