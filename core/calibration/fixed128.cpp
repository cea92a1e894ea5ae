#include "core/calibration/fixed128.h"

#include <cmath>

#include "core/base/error.h"

namespace halftone::calibration {
namespace {

[[noreturn]] void fail_range(double x) {
  fail(Status::kResourceExhausted,
       "adding {} leaves the range of channel sums, +-2.4e21; do not ask for channel moments of this tensor", x);
}

}  // namespace

void Fixed128::add(double x) {
  constexpr double kLimit = 0x1p71;
  if (!(std::fabs(x) < kLimit)) fail_range(x);  // NaN too
  // A scaled term above 2^53 is an integer already, and below rounding to one is exact in double.
  const double scaled = std::nearbyint(std::ldexp(x, kFractionBits));
  const Fixed128 term{static_cast<Int128>(scaled)};
  if (__builtin_add_overflow(value, term.value, &value)) fail_range(x);
}

void Fixed128::add(const Fixed128 &other) {
  if (__builtin_add_overflow(value, other.value, &value)) fail_range(other.to_double());
}

double Fixed128::to_double() const {
  return std::ldexp(static_cast<double>(value), -kFractionBits);  // the conversion rounds, scaling is exact
}

}  // namespace halftone::calibration
