#include "spread.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace halftone::observers {

void Spread::join(const Spread &other) {
  if (other.count == 0) return;
  if (count == 0) {
    *this = other;
    return;
  }
  const double both = count + other.count, apart = other.mean - mean;
  square_sum += other.square_sum + apart * apart * (count * other.count / both);
  mean += apart * (other.count / both);
  count = both;
  absolute_sum += other.absolute_sum;
  minimum = std::min(minimum, other.minimum);
  maximum = std::max(maximum, other.maximum);
}

double Spread::deviation() const {
  return count > 0 ? std::sqrt(square_sum / count) : 0;
}

Spread spread_of(std::span<const float> values) {
  Spread spread;
  if (values.empty()) return spread;
  double sum = 0;
  spread.minimum = spread.maximum = values.front();
  for (const float x : values) {
    sum += static_cast<double>(x);
    spread.absolute_sum += std::fabs(static_cast<double>(x));
    spread.minimum = std::min(spread.minimum, x);
    spread.maximum = std::max(spread.maximum, x);
  }
  spread.count = static_cast<double>(values.size());
  spread.mean = sum / spread.count;
  for (const float x : values) {
    const double difference = static_cast<double>(x) - spread.mean;
    spread.square_sum += difference * difference;
  }
  return spread;
}

void SpreadAccumulator::observe(const sdk::Context &, const ht_tensor_view &tensor) {
  if (axis_ >= static_cast<std::int32_t>(tensor.rank)) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "channels along axis " + std::to_string(axis_) + " of a value of rank " +
                                                std::to_string(tensor.rank));
  }
  std::size_t channels = 1, inner = 1, count = 1;
  for (std::int32_t k = 0; k < static_cast<std::int32_t>(tensor.rank); ++k) {
    const auto extent = static_cast<std::size_t>(tensor.shape[k]);
    count *= extent;
    if (k == axis_) channels = extent;
    if (k > axis_) inner *= extent;
  }
  const auto *data = static_cast<const float *>(tensor.data);
  if (axis_ < 0) inner = count;
  std::vector<Spread> spreads(channels);
  for (std::size_t i = 0, c = 0; i < count; i += inner, c = c + 1 == channels ? 0 : c + 1) {
    spreads[c].join(spread_of({data + i, inner}));
  }
  join(spreads);
}

void SpreadAccumulator::merge(const sdk::Context &, const Accumulator &other) {
  join(static_cast<const SpreadAccumulator &>(other).all_);
}

void SpreadAccumulator::join(std::span<const Spread> other) {
  if (other.empty()) return;
  if (all_.empty()) all_.resize(other.size());
  if (all_.size() != other.size()) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "the number of channels differs from sample to sample");
  }
  for (std::size_t c = 0; c < all_.size(); ++c) all_[c].join(other[c]);
}

std::span<const Spread> SpreadAccumulator::found(std::size_t count) const {
  if (all_.size() != count) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "ranges of " + std::to_string(all_.size()) + " channels where " +
                                                std::to_string(count) + " are needed");
  }
  return all_;
}

}  // namespace halftone::observers
