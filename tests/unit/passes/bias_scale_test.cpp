#include "passes/quantization/bias_scale.h"

#include <doctest/doctest.h>

#include <cmath>

namespace halftone::passes {
namespace {

TEST_CASE("a bias takes the product of the scales") {
  const std::vector<float> bias = {1, -2, 3, 4}, weights = {0.5F, 0.25F};
  BiasProblem problem{bias, 0.1F, weights, 4, 2147483647.0, false};
  const BiasScales derived = derive_bias_scales(problem, true);
  CHECK(derived.overflows == 0);
  CHECK(derived.weight_scales == weights);
  CHECK(derived.scales == std::vector<float>{0.1F * 0.5F, 0.1F * 0.25F, 0.1F * 0.5F, 0.1F * 0.25F});
}

TEST_CASE("a weight scale that is too small for its bias is enlarged until the bias fits") {
  const std::vector<float> bias = {1.0F, 1000.0F}, weights = {0.01F, 1e-8F};
  BiasProblem problem{bias, 0.01F, weights, 2, 2147483647.0, false};
  CHECK(derive_bias_scales(problem, false).overflows == 1);
  CHECK(derive_bias_scales(problem, false).weight_scales == weights);
  const BiasScales derived = derive_bias_scales(problem, true);
  CHECK(derived.overflows == 1);
  CHECK(derived.weight_scales[0] == 0.01F);
  CHECK(std::nearbyint(1000.0 / static_cast<double>(derived.scales[1])) <= 2147483647.0);
  CHECK(derived.weight_scales[1] < 5e-5F);

  problem.power_of_two = true;
  int exponent = 0;
  CHECK(std::frexp(derive_bias_scales(problem, true).weight_scales[1], &exponent) == 0.5F);
}

}  // namespace
}  // namespace halftone::passes
