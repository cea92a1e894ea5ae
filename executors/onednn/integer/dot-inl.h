// Vectors of sums and how products come into them, for kernels that are compiled once for each instruction set. It has
// no guard of the usual kind: each set reads it again.
#if defined(HALFTONE_DOT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFTONE_DOT_INL_H
#undef HALFTONE_DOT_INL_H
#else
#define HALFTONE_DOT_INL_H
#endif

#include <hwy/highway.h>

#include "dot.h"

// Loops over the sums of a tile are unrolled early, so that sums are never an array in memory.
#undef HALFTONE_UNROLL
#ifdef __clang__
#define HALFTONE_UNROLL _Pragma("unroll")
#else
#define HALFTONE_UNROLL _Pragma("GCC unroll 16")
#endif

HWY_BEFORE_NAMESPACE();
namespace halftone::onednn::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Wide = hn::CappedTag<std::int32_t, kBlock>;
using Sums = hn::Vec<Wide>;

#if HWY_TARGET != HWY_SCALAR
using Narrow = hn::Repartition<std::int16_t, Wide>;
using Pairs = hn::Vec<Narrow>;

// sum + a[2i] * b[2i] + a[2i + 1] * b[2i + 1] in lane i.
HWY_INLINE Sums add_pairs(Pairs a, Pairs b, Sums sum) {
#if HWY_TARGET == HWY_AVX3_DL
  // Highway tells processors with VNNI apart, but compiles for them without it.
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
#elif HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128
  Sums unused = hn::Zero(Wide());
  return hn::ReorderWidenMulAccumulate(Wide(), a, b, sum, unused);
#else
  const Wide d;
  const auto a2 = hn::BitCast(d, a), b2 = hn::BitCast(d, b);
  const auto low = [](auto v) { return hn::ShiftRight<16>(hn::ShiftLeft<16>(v)); };
  sum = hn::Add(sum, hn::Mul(low(a2), low(b2)));
  return hn::Add(sum, hn::Mul(hn::ShiftRight<16>(a2), hn::ShiftRight<16>(b2)));
#endif
}
#endif

}  // namespace halftone::onednn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
