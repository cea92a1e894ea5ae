#include "weight_error.h"

#include <algorithm>
#include <cstddef>

namespace halftone::passes {
namespace {

// Adding 1.5 * 2^23 leaves no room for a fraction: rounding to even that every compiler turns into vector code.
constexpr float kNoFraction = 12582912.0F;
constexpr std::size_t kLanes = 16;       // sums that a compiler may keep side by side
constexpr std::size_t kChunk = 1 << 12;  // elements between two sums in double

}  // namespace

double weight_error(std::span<const float> weights, float scale, const WeightCodes &codes, double mean_to_variance) {
  const float inverse = 1.0F / scale;
  double squares = 0, plain = 0;
  for (std::size_t begin = 0; begin < weights.size(); begin += kChunk) {
    const std::span<const float> w = weights.subspan(begin, std::min(kChunk, weights.size() - begin));
    float square[kLanes] = {}, sum[kLanes] = {};
    const auto add = [&](std::size_t i, std::size_t lane) {
      const float code = std::min(std::max(w[i] * inverse, codes.least), codes.most);
      const float d = ((code + kNoFraction) - kNoFraction) - w[i] * inverse;  // in steps, whose squares cannot overflow
      square[lane] += d * d;
      sum[lane] += d;
    };
    std::size_t i = 0;
    for (; i + kLanes <= w.size(); i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) add(i + lane, lane);
    }
    for (; i < w.size(); ++i) add(i, i % kLanes);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      squares += static_cast<double>(square[lane]);
      plain += static_cast<double>(sum[lane]);
    }
  }
  const double step = static_cast<double>(scale);
  return (squares + mean_to_variance * plain * plain) * step * step;
}

}  // namespace halftone::passes
