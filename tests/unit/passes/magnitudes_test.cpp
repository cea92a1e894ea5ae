// The range of least error against rounding and clipping every value.
#include "passes/equalization/magnitudes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <vector>

namespace halftone::passes {
namespace {

std::vector<float> heavy_tailed(unsigned seed, double power) {
  std::mt19937 random(seed);
  std::normal_distribution<double> draw;
  std::vector<float> values(20000);
  for (float &x : values) {
    const double z = draw(random);
    x = static_cast<float>(std::copysign(std::pow(std::abs(z), power), z));
  }
  return values;
}

double plain_error(const std::vector<float> &values, double range, const GridOf &grid) {
  const double step = range / (std::ldexp(1.0, grid.bits - 1) - 1);
  double error = 0;
  for (const float x : values) {
    const double rounded = std::clamp(std::nearbyint(x / step) * step, -range, range), d = x - rounded;
    error += d * d * (std::abs(x) > range ? grid.clip_weight : 1);
  }
  return error;
}

TEST_CASE("the range of least error is as good as any of a thousand, rounding every value") {
  for (const double power : {0.5, 1.0, 2.0, 3.0}) {
    for (const int bits : {4, 8}) {
      const GridOf grid{bits, 0.5};
      const std::vector<float> values = heavy_tailed(7, power);
      float peak = 0;
      for (const float x : values) peak = std::max(peak, std::abs(x));
      Magnitudes counts{};
      for (const float x : values) {
        const std::size_t bin =
            magnitude_bin(std::bit_cast<std::uint32_t>(peak), std::bit_cast<std::uint32_t>(std::abs(x)));
        if (bin != kNoBin) ++counts[bin];
      }
      double least = plain_error(values, peak, grid);
      for (int i = 1; i < 1000; ++i)
        least = std::min(least, plain_error(values, peak * static_cast<float>(i) / 1000, grid));
      const double chosen = least_error_range(counts, peak, grid);
      CAPTURE(power);
      CAPTURE(bits);
      CHECK(chosen <= peak);
      CHECK(plain_error(values, chosen, grid) < 1.06 * least);
      if (power >= 2) CHECK(chosen < peak);  // rare large values are clipped
    }
  }
}

TEST_CASE("magnitudes are counted in eighths of octaves below the peak") {
  const auto bin = [](float peak, float x) {
    return magnitude_bin(std::bit_cast<std::uint32_t>(peak), std::bit_cast<std::uint32_t>(x));
  };
  CHECK(bin(1.0F, 1.0F) == 0);
  CHECK(bin(1.0F, 2.0F) == 0);
  CHECK(bin(1.0F, 0.5F) == 8);
  CHECK(bin(1.0F, 0.25F) == 16);
  CHECK(bin(1.0F, std::ldexp(1.0F, -12)) == kNoBin);
  CHECK(bin(1.0F, std::ldexp(1.0F, -11)) == 88);
}

}  // namespace
}  // namespace halftone::passes
