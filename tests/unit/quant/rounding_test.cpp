#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/base/error.h"
#include "core/quant/arithmetic.h"

namespace halftone::quant {
namespace {

// Rounding by its definition, in double, where x + 0.5 is exact for every float below 2^23 that is not tiny, and the
// tiny ones are told apart by comparison. Shares nothing with the code under test.
double expected(float x, std::uint32_t rounding) {
  const double value = x;
  if (std::fabs(value) >= 8388608.0) return value;  // an integer already
  const double below = std::floor(value), above = std::ceil(value);
  if (below == above) return value;
  if (rounding == HT_ROUND_UP) return above;
  if (rounding == HT_ROUND_DOWN) return below;
  const double middle = (below + above) / 2;
  if (value < middle) return below;
  if (value > middle) return above;
  switch (rounding) {
    case HT_ROUND_HALF_UP:
      return above;
    case HT_ROUND_HALF_DOWN:
      return below;
    case HT_ROUND_HALF_TOWARD_ZERO:
      return value > 0 ? below : above;
    case HT_ROUND_HALF_AWAY_FROM_ZERO:
      return value > 0 ? above : below;
    default:
      return std::fmod(below, 2.0) == 0 ? below : above;
  }
}

TEST_CASE("every rounding mode agrees with its definition over a sweep of all exponents") {
  for (std::uint32_t rounding = HT_ROUND_HALF_EVEN; rounding <= HT_ROUND_DOWN; ++rounding) {
    std::uint64_t wrong = 0;
    // An odd stride visits every exponent with changing mantissas, on both signs: some 430,000 floats a mode.
    for (std::uint64_t bits = 0; bits <= 0xFFFFFFFFU; bits += 9973) {
      const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
      if (!std::isfinite(x)) continue;
      if (static_cast<double>(round_to(x, rounding)) != expected(x, rounding)) ++wrong;
    }
    CHECK_MESSAGE(wrong == 0, "mode ", rounding);
  }
}

TEST_CASE("every rounding mode is right next to integers and halves") {
  for (std::uint32_t rounding = HT_ROUND_HALF_EVEN; rounding <= HT_ROUND_DOWN; ++rounding) {
    std::uint64_t wrong = 0;
    for (int i = -4096; i <= 4096; ++i) {
      for (float scale : {1.0F, 2048.0F}) {
        const float centre = static_cast<float>(i) * 0.5F * scale + (scale > 1 ? 0.5F : 0.0F);
        for (const float x : {std::nextafter(centre, -INFINITY), centre, std::nextafter(centre, INFINITY)}) {
          if (static_cast<double>(round_to(x, rounding)) != expected(x, rounding)) ++wrong;
        }
      }
    }
    CHECK_MESSAGE(wrong == 0, "mode ", rounding);
  }
}

TEST_CASE("the values that adding a half gets wrong") {
  const float under_half = std::nextafter(0.5F, 0.0F);
  CHECK(round_to(under_half, HT_ROUND_HALF_UP) == 0.0F);
  CHECK(round_to(-under_half, HT_ROUND_HALF_DOWN) == 0.0F);
  CHECK(round_to(8388609.0F, HT_ROUND_HALF_UP) == 8388609.0F);
  CHECK(round_to(8388609.0F, HT_ROUND_HALF_AWAY_FROM_ZERO) == 8388609.0F);
  CHECK(round_to(-2.5F, HT_ROUND_HALF_TOWARD_ZERO) == -2.0F);
  CHECK(round_to(-2.5F, HT_ROUND_HALF_AWAY_FROM_ZERO) == -3.0F);
}

TEST_CASE("infinities and NaN pass through every mode") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (std::uint32_t rounding = HT_ROUND_HALF_EVEN; rounding <= HT_ROUND_DOWN; ++rounding) {
    CHECK(round_to(infinity, rounding) == infinity);
    CHECK(round_to(-infinity, rounding) == -infinity);
    CHECK(std::isnan(round_to(std::numeric_limits<float>::quiet_NaN(), rounding)));
  }
}

TEST_CASE("an unknown rounding code is refused") {
  CHECK_THROWS_AS(round_to(1.0F, 0), Error);
  CHECK_THROWS_AS(round_to(1.0F, HT_ROUND_DOWN + 1), Error);
}

}  // namespace
}  // namespace halftone::quant
