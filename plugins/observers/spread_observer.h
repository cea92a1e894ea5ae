// Observers that need means and deviations and nothing else: one pass, no histograms.
#pragma once

#include "distribution.h"
#include "spread.h"

namespace halftone::observers {

class SpreadObserver : public sdk::AccumulatingObserver {
 public:
  static constexpr std::uint32_t kWants = 0;
  static constexpr std::uint32_t kWantsPerChannel = HT_WANT_CHANNEL_RANGE;

  // The range of a tensor or of one channel.
  virtual Range range(const Spread &spread, const ht_quant_spec &spec) const = 0;
  // The words for provenance.
  virtual std::string rule() const = 0;

  ht_str derive(const sdk::Context &, const ht_statistics &, const ht_quant_spec &, std::span<float>,
                std::span<float>) const override {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "`" + rule() + "` needs the samples: common statistics do not keep what it is made of");
  }
  std::unique_ptr<sdk::Accumulator> begin(const sdk::Context &, const ht_quant_spec &spec,
                                          const ht_statistics *statistics, const sdk::Accumulator *) const override {
    if (statistics != nullptr) return nullptr;
    return std::make_unique<SpreadAccumulator>(spec);
  }
  ht_str finish(const sdk::Context &ctx, const sdk::Accumulator &seen, const ht_statistics &, const ht_quant_spec &spec,
                std::span<float> low, std::span<float> high) const override {
    const std::span<const Spread> found = static_cast<const SpreadAccumulator &>(seen).found(low.size());
    for (std::size_t c = 0; c < low.size(); ++c) {
      const Range r = range(found[c], spec);
      low[c] = static_cast<float>(r.low);
      high[c] = static_cast<float>(r.high);
    }
    return ctx.keep(rule());
  }
};

}  // namespace halftone::observers
