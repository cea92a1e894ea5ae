#include "weight_error.h"

#include <algorithm>
#include <cstddef>

namespace halftone::passes {
double weight_error(std::span<const float> weights, float scale, const WeightCodes &codes, double mean_to_variance) {
  const float inverse = 1.0F / scale;
  double squares = 0, plain = 0;
  for (std::size_t begin = 0; begin < weights.size(); begin += kErrorChunk) {
    const std::span<const float> w = weights.subspan(begin, std::min(kErrorChunk, weights.size() - begin));
    float square[kErrorLanes] = {}, sum[kErrorLanes] = {};
    const auto add = [&](std::size_t i, std::size_t lane) {
      const float code = std::min(std::max(w[i] * inverse, codes.least), codes.most);
      const float d = ((code + kNoFraction) - kNoFraction) - w[i] * inverse;  // in steps, whose squares cannot overflow
      square[lane] += d * d;
      sum[lane] += d;
    };
    std::size_t i = 0;
    for (; i + kErrorLanes <= w.size(); i += kErrorLanes) {
      for (std::size_t lane = 0; lane < kErrorLanes; ++lane) add(i + lane, lane);
    }
    for (; i < w.size(); ++i) add(i, i % kErrorLanes);
    for (std::size_t lane = 0; lane < kErrorLanes; ++lane) {
      squares += static_cast<double>(square[lane]);
      plain += static_cast<double>(sum[lane]);
    }
  }
  const double step = static_cast<double>(scale);
  return (squares + mean_to_variance * plain * plain) * step * step;
}

}  // namespace halftone::passes
