#include "group_information.h"

#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/observers/group_information.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::observers::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using DoubleTag = hn::ScalableTag<double>;
using WordTag = hn::RebindToUnsigned<DoubleTag>;
using Doubles = hn::Vec<DoubleTag>;

// Not fused: the same roundings on every processor.
HWY_INLINE Doubles times_plus(Doubles a, Doubles x, double c) {
  return hn::Add(hn::Mul(a, x), hn::Set(DoubleTag(), c));
}

// plain::logarithm, operation by operation.
HWY_INLINE Doubles logarithm(Doubles x) {
  constexpr std::uint64_t kOne = 0x3ff0000000000000, kRootOfHalf = 0x3fe6a09e667f3bcd;
  constexpr std::uint64_t kMantissa = 0x000fffffffffffff, kTwoTo52 = 0x4330000000000000;
  const DoubleTag d;
  const WordTag dw;
  const auto shifted = hn::Add(hn::BitCast(dw, x), hn::Set(dw, kOne - kRootOfHalf));
  const Doubles k =
      hn::Sub(hn::BitCast(d, hn::Or(hn::ShiftRight<52>(shifted), hn::Set(dw, kTwoTo52))), hn::Set(d, 0x1p52 + 1023));
  const auto mantissa = hn::Add(hn::And(shifted, hn::Set(dw, kMantissa)), hn::Set(dw, kRootOfHalf));
  const Doubles f = hn::Sub(hn::BitCast(d, mantissa), hn::Set(d, 1)), two = hn::Set(d, 2);
  const Doubles s = hn::Div(f, hn::Add(two, f)), z = hn::Mul(s, s), twice = hn::Mul(two, s);
  Doubles p = times_plus(hn::Set(d, 1.0 / 21), z, 1.0 / 19);
  p = times_plus(times_plus(p, z, 1.0 / 17), z, 1.0 / 15);
  p = times_plus(times_plus(p, z, 1.0 / 13), z, 1.0 / 11);
  p = times_plus(times_plus(p, z, 1.0 / 9), z, 1.0 / 7);
  p = times_plus(times_plus(p, z, 1.0 / 5), z, 1.0 / 3);
  return hn::Add(hn::Mul(k, hn::Set(d, 0x1.62e42fefa39efp-1)), hn::Add(twice, hn::Mul(hn::Mul(twice, z), p)));
}

// As many as whole vectors hold; returns how many that are.
std::size_t Information(const double *mass, const double *occupied, std::size_t width, double *out, std::size_t count) {
  const DoubleTag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const Doubles m = hn::Sub(hn::LoadU(d, mass + i + width), hn::LoadU(d, mass + i));
    const Doubles b = hn::Sub(hn::LoadU(d, occupied + i + width), hn::LoadU(d, occupied + i));
    hn::StoreU(hn::Mul(m, logarithm(hn::Div(m, hn::Add(b, hn::Set(d, kNoBins))))), d, out + i);
  }
  return i;
}

}  // namespace
}  // namespace halftone::observers::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::observers {

HWY_EXPORT(Information);

void group_information(std::span<const double> mass, std::span<const double> occupied, std::size_t width,
                       std::size_t from, std::span<double> out) {
  const std::size_t done =
      HWY_DYNAMIC_DISPATCH(Information)(mass.data() + from, occupied.data() + from, width, out.data(), out.size());
  plain::group_information(mass, occupied, width, from + done, out.subspan(done));
}

}  // namespace halftone::observers
#endif
