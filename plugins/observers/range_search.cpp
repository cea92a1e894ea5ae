#include "range_search.h"

namespace halftone::observers {

void ChannelAccumulator::observe(const sdk::Context &, const ht_tensor_view &tensor) {
  std::size_t count = 1;
  for (std::uint32_t k = 0; k < tensor.rank; ++k) count *= static_cast<std::size_t>(tensor.shape[k]);
  found.add({static_cast<const float *>(tensor.data), count}, {tensor.shape, tensor.rank}, axis_);
}

void ChannelAccumulator::merge(const sdk::Context &, const Accumulator &other) {
  found.merge(static_cast<const ChannelAccumulator &>(other).found);
}

ht_str RangeSearch::derive(const sdk::Context &ctx, const ht_statistics &statistics, const ht_quant_spec &spec,
                           std::span<float> low, std::span<float> high) const {
  if (spec.granularity != HT_PER_TENSOR) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "channels were not gathered, and common statistics have no histograms of them");
  }
  const Range range = find(ctx, distribution_of(statistics), spec);
  low[0] = static_cast<float>(range.low);
  high[0] = static_cast<float>(range.high);
  return rule(ctx, spec);
}

std::unique_ptr<sdk::Accumulator> RangeSearch::begin(const sdk::Context &, const ht_quant_spec &spec,
                                                     const ht_statistics *statistics,
                                                     const sdk::Accumulator *previous) const {
  if (spec.granularity == HT_PER_TENSOR || statistics == nullptr || previous != nullptr) return nullptr;
  return std::make_unique<ChannelAccumulator>(*statistics, spec);
}

ht_str RangeSearch::finish(const sdk::Context &ctx, const sdk::Accumulator &seen, const ht_statistics &,
                           const ht_quant_spec &spec, std::span<float> low, std::span<float> high) const {
  const ChannelDistributions &found = static_cast<const ChannelAccumulator &>(seen).found;
  for (std::size_t c = 0; c < low.size(); ++c) {
    const Range range = found.visit(c, [&](const Distribution &d) { return find(ctx, d, spec); });
    low[c] = static_cast<float>(range.low);
    high[c] = static_cast<float>(range.high);
  }
  return rule(ctx, spec);
}

}  // namespace halftone::observers
