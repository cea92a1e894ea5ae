// How far a layer's output moves when its weights are rounded and clipped.
#pragma once

#include <span>

namespace halftone::passes {

// Squared mean over variance of max(0, N(0, 1)), the usual input of a layer behind a Relu: (1 / 2pi) / (1/2 - 1 / 2pi).
inline constexpr double kRectifiedMeanToVariance = 0.46694220692;

// The integers that a weight may become: codes less the zero point.
struct WeightCodes {
  float least = 0, most = 0;
};

// The expected squared error of sum(w * x) over the variance of x, for independent x of one mean and variance, when w
// becomes d + w: sum(d^2) + mean_to_variance * sum(d)^2. The second term is what inputs that are never negative add:
// errors of one sign add up.
double weight_error(std::span<const float> weights, float scale, const WeightCodes &codes, double mean_to_variance);

}  // namespace halftone::passes
