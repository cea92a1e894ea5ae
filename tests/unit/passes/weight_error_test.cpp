#include "passes/quantization/weight_error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace halftone::passes {
namespace {

// What rounding and clipping do to a weight, by the definition.
double deviation(float w, float scale, const WeightCodes &codes) {
  const double code = std::nearbyint(std::clamp(static_cast<double>(w) / static_cast<double>(scale),
                                                static_cast<double>(codes.least), static_cast<double>(codes.most)));
  return code * static_cast<double>(scale) - static_cast<double>(w);
}

TEST_CASE("the error is the expected square of the output's deviation") {
  // Inputs that are 0 or 1 with equal chance: mean 1/2, variance 1/4. All eight outcomes are counted.
  const std::vector<float> w = {0.33F, -0.71F, 0.08F};
  const float scale = 0.25F;
  const WeightCodes codes{-2, 1};
  double expected = 0;
  for (unsigned outcome = 0; outcome < 8; ++outcome) {
    double sum = 0;
    for (unsigned i = 0; i < 3; ++i) sum += ((outcome >> i) & 1U) != 0 ? deviation(w[i], scale, codes) : 0;
    expected += sum * sum / 8;
  }
  CHECK(weight_error(w, scale, codes, 1.0) / 4 == doctest::Approx(expected));
}

TEST_CASE("long rows agree with the definition") {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.01F, 0.05F);
  for (const std::size_t size : {1, 15, 16, 17, 4095, 4097, 20000}) {
    std::vector<float> w(size);
    for (float &x : w) x = normal(random);
    const WeightCodes codes{-100, 127};
    double squares = 0, plain = 0;
    for (const float x : w) {
      const double d = deviation(x, 0.001F, codes);
      squares += d * d;
      plain += d;
    }
    INFO(size);
    CHECK(weight_error(w, 0.001F, codes, 0) == doctest::Approx(squares).epsilon(1e-4));
    CHECK(weight_error(w, 0.001F, codes, 0.5) == doctest::Approx(squares + 0.5 * plain * plain).epsilon(1e-4));
  }
}

}  // namespace
}  // namespace halftone::passes
