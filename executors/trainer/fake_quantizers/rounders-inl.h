// The rounding modes of a quantizer, lane by lane: what the arithmetic of the kernel does, exact for every float.
// Adding a half and taking the floor would be wrong just below a half, so distances are compared instead.
#if defined(HALFTONE_TRAINER_ROUNDERS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFTONE_TRAINER_ROUNDERS_INL_H_
#undef HALFTONE_TRAINER_ROUNDERS_INL_H_
#else
#define HALFTONE_TRAINER_ROUNDERS_INL_H_
#endif

#include <cstdint>

#include <hwy/highway.h>

#include "halftone/quant.h"

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sixteen elements are a block; sums keep one partial sum for each place of a block, whatever the width of a vector.
using FloatTag = hn::CappedTag<float, 16>;
using Floats = hn::Vec<FloatTag>;

HWY_INLINE Floats half_up(Floats x) {
  const FloatTag d;
  const Floats below = hn::Floor(x);
  return hn::IfThenElse(hn::Ge(hn::Sub(x, below), hn::Set(d, 0.5F)), hn::Add(below, hn::Set(d, 1.0F)), below);
}

template <std::uint32_t kRounding>
struct Rounder {
  HWY_INLINE Floats operator()(Floats x) const {
    const FloatTag d;
    const Floats half = hn::Set(d, 0.5F), one = hn::Set(d, 1.0F);
    if constexpr (kRounding == HT_ROUND_HALF_UP) return half_up(x);
    if constexpr (kRounding == HT_ROUND_HALF_DOWN) {
      const Floats above = hn::Ceil(x);
      return hn::IfThenElse(hn::Ge(hn::Sub(above, x), half), hn::Sub(above, one), above);
    }
    if constexpr (kRounding == HT_ROUND_HALF_TOWARD_ZERO) {
      const Floats size = hn::Abs(x), below = hn::Floor(size);
      return hn::CopySign(hn::IfThenElse(hn::Gt(hn::Sub(size, below), half), hn::Add(below, one), below), x);
    }
    if constexpr (kRounding == HT_ROUND_HALF_AWAY_FROM_ZERO) return hn::CopySign(half_up(hn::Abs(x)), x);
    if constexpr (kRounding == HT_ROUND_UP) return hn::Ceil(x);
    if constexpr (kRounding == HT_ROUND_DOWN) return hn::Floor(x);
    return hn::Round(x);
  }
};

// Calls f with the rounder of an HT_ROUND_*.
template <class F>
void with_rounder(std::uint32_t rounding, const F &f) {
  switch (rounding) {
    case HT_ROUND_HALF_UP:
      return f(Rounder<HT_ROUND_HALF_UP>());
    case HT_ROUND_HALF_DOWN:
      return f(Rounder<HT_ROUND_HALF_DOWN>());
    case HT_ROUND_HALF_TOWARD_ZERO:
      return f(Rounder<HT_ROUND_HALF_TOWARD_ZERO>());
    case HT_ROUND_HALF_AWAY_FROM_ZERO:
      return f(Rounder<HT_ROUND_HALF_AWAY_FROM_ZERO>());
    case HT_ROUND_UP:
      return f(Rounder<HT_ROUND_UP>());
    case HT_ROUND_DOWN:
      return f(Rounder<HT_ROUND_DOWN>());
    default:
      return f(Rounder<HT_ROUND_HALF_EVEN>());
  }
}

}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
