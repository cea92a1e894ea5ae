// Observers that search the range of a distribution: of the tensor from the common statistics, of channels and blocks
// from distributions that they gather themselves.
#pragma once

#include "channel_distributions.h"
#include "halftone/observer.hpp"

namespace halftone::observers {

class ChannelAccumulator final : public sdk::Accumulator {
 public:
  ChannelAccumulator(const ht_statistics &statistics, const ht_quant_spec &spec)
      : found(statistics), axis_(static_cast<std::size_t>(spec.axis)) {}
  void observe(const sdk::Context &ctx, const ht_tensor_view &tensor) override;
  void merge(const sdk::Context &ctx, const Accumulator &other) override;
  ChannelDistributions found;

 private:
  std::size_t axis_;
};

class RangeSearch : public sdk::AccumulatingObserver {
 public:
  static constexpr std::uint32_t kWants = HT_WANT_HISTOGRAM;
  static constexpr std::uint32_t kWantsPerChannel = HT_WANT_CHANNEL_RANGE;
  static constexpr std::uint32_t kFlags = HT_OBSERVER_EXACT_MERGE;

  // The range of one distribution.
  virtual Range find(const sdk::Context &ctx, const Distribution &distribution, const ht_quant_spec &spec) const = 0;
  // The words for provenance.
  virtual ht_str rule(const sdk::Context &ctx, const ht_quant_spec &spec) const = 0;

  ht_str derive(const sdk::Context &ctx, const ht_statistics &statistics, const ht_quant_spec &spec,
                std::span<float> low, std::span<float> high) const override;
  std::unique_ptr<sdk::Accumulator> begin(const sdk::Context &ctx, const ht_quant_spec &spec,
                                          const ht_statistics *statistics,
                                          const sdk::Accumulator *previous) const override;
  ht_str finish(const sdk::Context &ctx, const sdk::Accumulator &seen, const ht_statistics &statistics,
                const ht_quant_spec &spec, std::span<float> low, std::span<float> high) const override;
};

}  // namespace halftone::observers
