// From integer sums to codes, against formulas that are written out here.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "integer/requantize.h"

namespace halftone::integer {
namespace {

constexpr std::uint32_t kRoundings[] = {HT_ROUND_HALF_EVEN,          HT_ROUND_HALF_UP, HT_ROUND_HALF_DOWN,
                                        HT_ROUND_HALF_TOWARD_ZERO,   HT_ROUND_UP,      HT_ROUND_DOWN,
                                        HT_ROUND_HALF_AWAY_FROM_ZERO};

Format wide_format(std::uint32_t rounding) {
  return {1.0F, 0, -32768, 32767, rounding, HT_I16};
}

std::int32_t code(Multiplier form, double real, std::int64_t sum, std::uint32_t rounding = HT_ROUND_HALF_EVEN) {
  return Requantizer(form, {real}, {}, wide_format(rounding), {-32768, 32767})(sum, 0);
}

}  // namespace

TEST_CASE("halves are rounded as the config says, by floats and by fixed-point multipliers alike") {
  // 2.5 and -2.5 by each rule.
  constexpr int kWant[][2] = {{2, -2}, {3, -2}, {2, -3}, {2, -2}, {3, -2}, {2, -3}, {3, -3}};
  for (std::size_t i = 0; i < std::size(kRoundings); ++i) {
    for (const Multiplier form : {Multiplier::kFloat32, Multiplier::kFloat64, Multiplier::kFixedPoint}) {
      CHECK(code(form, 0.25, 10, kRoundings[i]) == kWant[i][0]);
      CHECK(code(form, 0.25, -10, kRoundings[i]) == kWant[i][1]);
    }
    CHECK(code(Multiplier::kGemmlowp, 0.25, 10, kRoundings[i]) == 3);
    CHECK(code(Multiplier::kGemmlowp, 0.25, -10, kRoundings[i]) == -3);
  }
}

TEST_CASE("a shift with rounding is division by a power of two") {
  std::mt19937_64 random(7);
  for (int n = 0; n < 20000; ++n) {
    const auto value = static_cast<std::int64_t>(random() >> 24) - (std::int64_t{1} << 39);
    const int shift = static_cast<int>(random() % 30) + 8;
    for (const std::uint32_t rounding : kRoundings) {
      const double exact = std::ldexp(static_cast<double>(value), -shift);  // 40 bits: no rounding
      REQUIRE(shift_by(value, shift, rounding) == static_cast<std::int64_t>(round_by(exact, rounding)));
    }
  }
}

TEST_CASE("gemmlowp's two functions, from their description") {
  // The high half of the doubled product, halves away from zero; then a division by a power of two, likewise.
  const auto away = [](double x) { return std::copysign(std::floor(std::fabs(x) + 0.5), x); };
  std::mt19937_64 random(11);
  for (int n = 0; n < 20000; ++n) {
    const auto sum = static_cast<std::int64_t>(random() >> 42) - (std::int64_t{1} << 21);
    const double real =
        std::ldexp(0.5 + std::ldexp(static_cast<double>(random() >> 12), -53), -static_cast<int>(random() % 12));
    const FixedPoint fixed(real);
    REQUIRE(fixed.m >= (std::int64_t{1} << 30));
    REQUIRE(fixed.m < (std::int64_t{1} << 31));
    const double high = away(std::ldexp(static_cast<double>(sum) * static_cast<double>(fixed.m), -31));
    REQUIRE(fixed.times_gemmlowp(sum) == static_cast<std::int64_t>(away(std::ldexp(high, fixed.exponent))));
  }
}

TEST_CASE("a multiplier just below a power of two is one") {
  const FixedPoint fixed(1 - 1e-12);
  CHECK(fixed.m == std::int64_t{1} << 30);
  CHECK(fixed.exponent == 1);
  CHECK(fixed.times(12345, HT_ROUND_HALF_EVEN) == 12345);
}

TEST_CASE("the forms agree but where the product lies within the multiplier's precision of a half") {
  std::mt19937_64 random(3);
  int differing = 0;
  for (int n = 0; n < 100000; ++n) {
    const auto sum = static_cast<std::int64_t>(random() >> 44) - (std::int64_t{1} << 19);
    const double real = std::ldexp(1 + std::ldexp(static_cast<double>(random() >> 12), -52), -12);
    const double exact = static_cast<double>(sum) * real;
    const double from_half = std::fabs(exact - std::floor(exact) - 0.5);
    const std::int32_t want = code(Multiplier::kFloat64, real, sum);
    for (const Multiplier form : {Multiplier::kFloat32, Multiplier::kFixedPoint}) {
      if (code(form, real, sum) == want) continue;
      ++differing;
      REQUIRE(from_half <= std::fabs(exact) * 0x1p-22);
    }
  }
  CHECK(differing < 100);
}

TEST_CASE("codes stay within their limits, however large the sum") {
  for (const Multiplier form :
       {Multiplier::kFloat32, Multiplier::kFloat64, Multiplier::kFixedPoint, Multiplier::kGemmlowp}) {
    const Format u8{1.0F, 10, 0, 255, HT_ROUND_HALF_EVEN, HT_U8};
    const Requantizer relu(form, {3.0e5}, {}, u8, {10, 255});
    CHECK(relu(std::numeric_limits<std::int32_t>::max(), 0) == 255);
    CHECK(relu(std::numeric_limits<std::int32_t>::min() + 1, 0) == 10);
    CHECK(relu(0, 0) == 10);
    const Requantizer tiny(form, {1e-30}, {}, u8, {0, 255});
    CHECK(tiny(std::numeric_limits<std::int32_t>::max(), 0) == 10);
  }
}

TEST_CASE("channels have their own multipliers, and float biases come after them") {
  const Format u8{1.0F, 3, 0, 255, HT_ROUND_HALF_EVEN, HT_U8};
  const Requantizer two(Multiplier::kFloat32, {0.5, 2}, {10, 20}, u8, {0, 255});
  CHECK(two(8, 0) == 3 + 14);
  CHECK(two(8, 1) == 3 + 36);
}

}  // namespace halftone::integer
