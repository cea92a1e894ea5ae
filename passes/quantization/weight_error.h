// How far a layer's output moves when its weights are rounded and clipped.
#pragma once

#include <cstddef>
#include <span>

namespace halftone::passes {

// Squared mean over variance of max(0, N(0, 1)), the usual input of a layer behind a Relu: (1 / 2pi) / (1/2 - 1 / 2pi).
inline constexpr double kRectifiedMeanToVariance = 0.46694220692;

// The integers that a weight may become: codes less the zero point.
struct WeightCodes {
  float least = 0, most = 0;
};

// How the sums are ordered, in float until two of them are joined in double.
inline constexpr std::size_t kErrorLanes = 16;       // weight i of a chunk goes to sum i mod 16
inline constexpr std::size_t kErrorChunk = 1 << 12;  // weights between two sums in double
// Adding 1.5 * 2^23 leaves no room for a fraction: rounding to even, in vectors as in single numbers.
inline constexpr float kNoFraction = 12582912.0F;

// The expected squared error of sum(w * x) over the variance of x, for independent x of one mean and variance, when w
// becomes d + w: sum(d^2) + mean_to_variance * sum(d)^2. The second term is what inputs that are never negative add:
// errors of one sign add up.
double weight_error(std::span<const float> weights, float scale, const WeightCodes &codes, double mean_to_variance);

// The same of many scales at once, bit for bit, by vector code that is chosen for the processor at run time: each lane
// has a scale of its own, so that a channel of nine weights fills vectors too. As many errors as scales.
void weight_errors(std::span<const float> weights, std::span<const float> scales, const WeightCodes &codes,
                   double mean_to_variance, std::span<double> errors);

}  // namespace halftone::passes
