#include "passes/quantization/weight_error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
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

TEST_CASE("many scales at once give the errors of one after the other, bit for bit") {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0.01F, 0.05F);
  for (const std::size_t size : {0, 1, 9, 16, 25, 4095, 4096, 4113, 9000}) {
    std::vector<float> w(size);
    for (float &x : w) x = random() % 8 == 0 ? -0.0F : normal(random);
    for (const std::size_t count : {1, 7, 16, 46}) {
      std::vector<float> scales;
      for (std::size_t i = 0; i < count; ++i) scales.push_back(0.0011F - 0.00001F * static_cast<float>(i));
      for (const WeightCodes codes : {WeightCodes{-128, 127}, WeightCodes{3, 255}, WeightCodes{-32768, 32767}}) {
        std::vector<double> errors(count);
        weight_errors(w, scales, codes, kRectifiedMeanToVariance, errors);
        for (std::size_t i = 0; i < count; ++i) {
          INFO(size, " weights, scale ", i, " of ", count);
          CHECK(errors[i] == weight_error(w, scales[i], codes, kRectifiedMeanToVariance));
        }
      }
    }
  }
}

TEST_CASE("weights and scales out of all bounds give the same errors at once") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> w = {1e38F, -1e38F, 1e-38F, kInfinity, 0, std::numeric_limits<float>::quiet_NaN()};
  for (std::size_t first = 0; first < w.size(); ++first) {
    const std::vector<float> scales = {1e-8F, 1e30F, 3e38F};
    std::vector<double> errors(scales.size());
    const std::span<const float> one = std::span(w).subspan(first, 1);
    weight_errors(one, scales, {-128, 127}, 0.5, errors);
    for (std::size_t i = 0; i < scales.size(); ++i) {
      const double plain = weight_error(one, scales[i], {-128, 127}, 0.5);
      INFO(first, " ", i);
      CHECK((errors[i] == plain || (std::isnan(errors[i]) && std::isnan(plain))));
    }
  }
}

}  // namespace
}  // namespace halftone::passes
