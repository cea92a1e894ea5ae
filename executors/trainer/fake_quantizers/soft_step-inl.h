// exp, log and the stretched sigmoid of AdaRound, lane by lane. Only additions, multiplications and divisions that are
// rounded one by one: every instruction set gives the same bits, and so does plain code of the same steps.
#if defined(HALFTONE_TRAINER_SOFT_STEP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFTONE_TRAINER_SOFT_STEP_INL_H_
#undef HALFTONE_TRAINER_SOFT_STEP_INL_H_
#else
#define HALFTONE_TRAINER_SOFT_STEP_INL_H_
#endif

#include "rounders-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {

// (((c[0] x + c[1]) x + ...) x + c[n-1])
template <std::size_t kCount>
HWY_INLINE Floats polynomial(const float (&c)[kCount], Floats x) {
  const FloatTag d;
  Floats sum = hn::Set(d, c[0]);
  for (std::size_t i = 1; i < kCount; ++i) sum = hn::Add(hn::Mul(sum, x), hn::Set(d, c[i]));
  return sum;
}

// e^x for |x| <= 87, to 2e-7 relative: x = n ln 2 + r, |r| <= ln 2 / 2, and the Taylor series of e^r.
HWY_INLINE Floats exponential(Floats x) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  const Floats n = hn::Round(hn::Mul(x, hn::Set(d, 1.44269504F)));
  // ln 2 in two parts; the first has few enough bits for n times it to be exact.
  const Floats r = hn::Sub(hn::Sub(x, hn::Mul(n, hn::Set(d, 0.693359375F))), hn::Mul(n, hn::Set(d, -2.12194440e-4F)));
  constexpr float kTaylor[] = {1.0F / 5040, 1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1.0F, 1.0F};
  const auto power = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  return hn::Mul(polynomial(kTaylor, r), hn::BitCast(d, power));
}

// ln x for normal positive x, to 2e-7 of max(1, |ln x|): x = m 2^n, m in [1/sqrt 2, sqrt 2), ln m = 2 artanh((m - 1) /
// (m + 1)) as a series.
HWY_INLINE Floats logarithm(Floats x) {
  const FloatTag d;
  const hn::RebindToSigned<FloatTag> di;
  // Subtracting the bits of 1/sqrt 2 makes the exponent field count from there.
  const auto moved = hn::Sub(hn::BitCast(di, x), hn::Set(di, 0x3F3504F3));
  const auto n = hn::ShiftRight<23>(moved);
  const Floats m = hn::BitCast(d, hn::Sub(hn::BitCast(di, x), hn::ShiftLeft<23>(n)));
  const Floats one = hn::Set(d, 1.0F), z = hn::Div(hn::Sub(m, one), hn::Add(m, one)), zz = hn::Mul(z, z);
  constexpr float kSeries[] = {2.0F / 11, 2.0F / 9, 2.0F / 7, 2.0F / 5, 2.0F / 3, 2.0F};
  const Floats ln_m = hn::Mul(z, polynomial(kSeries, zz));
  return hn::Add(hn::Mul(hn::ConvertTo(d, n), hn::Set(d, 0.693147181F)), ln_m);
}

struct SoftStep {
  Floats h, slope;  // of the rectified sigmoid
};

// h(r) = clamp(1.2 sigmoid(r) - 0.1, 0, 1) and its derivative, 0 where it is clamped.
HWY_INLINE SoftStep soft_step(Floats r) {
  const FloatTag d;
  const Floats one = hn::Set(d, 1.0F), zero = hn::Zero(d), most = hn::Set(d, 30.0F);
  const Floats bounded = hn::Min(hn::Max(r, hn::Neg(most)), most);
  const Floats sigmoid = hn::Div(one, hn::Add(one, exponential(hn::Neg(bounded))));
  const Floats stretched = hn::Sub(hn::Mul(hn::Set(d, 1.2F), sigmoid), hn::Set(d, 0.1F));
  const auto inside = hn::And(hn::Gt(stretched, zero), hn::Lt(stretched, one));
  const Floats slope = hn::Mul(hn::Set(d, 1.2F), hn::Mul(sigmoid, hn::Sub(one, sigmoid)));
  return {hn::Min(hn::Max(stretched, zero), one), hn::IfThenElseZero(inside, slope)};
}

}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
