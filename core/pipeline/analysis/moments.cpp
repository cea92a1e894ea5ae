#include "core/pipeline/analysis/moments.h"

#include <algorithm>
#include <cmath>

namespace halftone::pipeline {

void Range::take(std::span<const float> values) {
  for (const float value : values) {
    minimum = std::min(minimum, static_cast<double>(value));
    maximum = std::max(maximum, static_cast<double>(value));
    sum += value;
  }
  count += values.size();
}

void Range::join(const Range &other) {
  count += other.count;
  minimum = std::min(minimum, other.minimum);
  maximum = std::max(maximum, other.maximum);
  sum += other.sum;
}

void Spread::take(std::span<const float> values, const Range &range) {
  const double mean = range.mean(), width = range.maximum - range.minimum;
  const double scale = width > 0 ? static_cast<double>(kBins) / width : 0;
  for (const float value : values) {
    const double d = value - mean, squared = d * d;
    powers[0] += squared;
    powers[1] += squared * d;
    powers[2] += squared * squared;
    const double bin = (value - range.minimum) * scale;
    if (bin >= 0) ++bins[std::min(static_cast<std::size_t>(bin), kBins - 1)];  // not for NaN
  }
}

void Spread::join(const Spread &other) {
  for (std::size_t i = 0; i < powers.size(); ++i) powers[i] += other.powers[i];
  for (std::size_t i = 0; i < kBins; ++i) bins[i] += other.bins[i];
}

Summary summary_of(const Range &range, const Spread &spread) {
  Summary summary;
  if (range.count == 0) return summary;
  const auto n = static_cast<double>(range.count);
  const double variance = spread.powers[0] / n;
  summary.count = range.count;
  summary.minimum = range.minimum;
  summary.maximum = range.maximum;
  summary.mean = range.mean();
  summary.deviation = std::sqrt(variance);
  if (variance > 0) {
    summary.skewness = spread.powers[1] / n / (variance * summary.deviation);
    summary.kurtosis = spread.powers[2] / n / (variance * variance) - 3;
  }
  summary.histogram = spread.bins;
  return summary;
}

}  // namespace halftone::pipeline
