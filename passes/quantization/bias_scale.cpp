#include "bias_scale.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace halftone::passes {
namespace {

// Leaves room for the roundings of the product and of the division that follows.
constexpr double kMargin = 1 + 1.0 / (1 << 20);

float enlarged(double needed, bool power_of_two) {
  double scale = needed * kMargin;
  if (power_of_two) scale = std::exp2(std::ceil(std::log2(scale)));
  return static_cast<float>(std::min(scale, static_cast<double>(std::numeric_limits<float>::max())));
}

}  // namespace

BiasScales derive_bias_scales(const BiasProblem &problem, bool repair) {
  BiasScales out;
  out.weight_scales.assign(problem.weight_scales.begin(), problem.weight_scales.end());
  const std::size_t channels = std::max<std::size_t>(problem.scale_count, 1), weights = out.weight_scales.size();
  std::vector<double> largest(channels, 0.0);
  for (std::size_t i = 0; i < problem.bias.size(); ++i) {
    double &at = largest[i % channels];
    at = std::max(at, std::abs(static_cast<double>(problem.bias[i])));
  }
  const auto input = static_cast<double>(problem.input_scale);
  for (std::size_t c = 0; c < channels; ++c) {
    float &weight = out.weight_scales[c % weights];
    const double needed = largest[c] / problem.largest_code / input;
    if (needed <= static_cast<double>(weight)) continue;
    ++out.overflows;
    if (repair) weight = enlarged(needed, problem.power_of_two);
  }
  out.scales.resize(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const float product = problem.input_scale * out.weight_scales[c % weights];
    out.scales[c] = std::max(product, std::numeric_limits<float>::min());
  }
  return out;
}

}  // namespace halftone::passes
