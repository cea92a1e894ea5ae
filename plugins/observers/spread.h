// Means, deviations and extremes of a tensor or of its channels, gathered sample by sample.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "halftone/observer.hpp"

namespace halftone::observers {

// Of one set of values. Sets are joined by the formula of Chan, Golub and LeVeque 1979, which loses nothing to a large
// mean.
struct Spread {
  double count = 0, mean = 0, square_sum = 0;  // of the differences from the mean
  double absolute_sum = 0;
  float minimum = 0, maximum = 0;

  void join(const Spread &other);
  double deviation() const;  // of the set as a whole, not an estimate for a larger one
  double absolute_mean() const { return count > 0 ? absolute_sum / count : 0; }
};

Spread spread_of(std::span<const float> values);

// Joined in the order of the samples, so that the same bits come out on any number of threads.
class SpreadAccumulator final : public sdk::Accumulator {
 public:
  explicit SpreadAccumulator(const ht_quant_spec &spec) : axis_(spec.granularity == HT_PER_TENSOR ? -1 : spec.axis) {}
  void observe(const sdk::Context &ctx, const ht_tensor_view &tensor) override;
  void merge(const sdk::Context &ctx, const Accumulator &other) override;
  // One for the tensor or for each channel. Throws Failure when there are not `count`.
  std::span<const Spread> found(std::size_t count) const;

 private:
  void join(std::span<const Spread> other);
  std::int32_t axis_;
  std::vector<Spread> all_;
};

}  // namespace halftone::observers
