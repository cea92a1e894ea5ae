// The rounding modes as plain functions, exact for every float and double.
//
// Adding 0.5 and taking the floor is wrong just below a half (0.49999997F + 0.5F is 1) and above 2^23, so every mode
// compares the distance to an integer instead: that difference is exact wherever the comparison could go either way.
#pragma once

#include <cmath>
#include <cstdint>

#include "halftone/quant.h"

namespace halftone::quant {

template <typename T>
T round_half_up(T x) {
  const T below = std::floor(x);
  return x - below >= T(0.5) ? below + T(1) : below;
}

template <typename T>
T round_half_down(T x) {
  const T above = std::ceil(x);
  return above - x >= T(0.5) ? above - T(1) : above;
}

template <typename T>
T round_half_toward_zero(T x) {
  const T size = std::fabs(x);
  const T below = std::floor(size);
  return std::copysign(size - below > T(0.5) ? below + T(1) : below, x);
}

template <typename T>
T round_half_away_from_zero(T x) {
  return std::copysign(round_half_up(std::fabs(x)), x);
}

// `rounding` must be one of HT_ROUND_*; callers check it once for a whole tensor.
template <typename T>
T round_plain(T x, std::uint32_t rounding) {
  switch (rounding) {
    case HT_ROUND_HALF_UP:
      return round_half_up(x);
    case HT_ROUND_HALF_DOWN:
      return round_half_down(x);
    case HT_ROUND_HALF_TOWARD_ZERO:
      return round_half_toward_zero(x);
    case HT_ROUND_HALF_AWAY_FROM_ZERO:
      return round_half_away_from_zero(x);
    case HT_ROUND_UP:
      return std::ceil(x);
    case HT_ROUND_DOWN:
      return std::floor(x);
    default:
      return std::nearbyint(x);  // half to even: the kernel never changes the rounding direction of the processor
  }
}

}  // namespace halftone::quant
