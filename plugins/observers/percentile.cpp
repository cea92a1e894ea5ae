#include <cstdio>

#include "order_statistic.h"
#include "percentile_range.h"
#include "range_search.h"

namespace halftone::observers {
namespace {

std::span<const float> floats_of(const ht_tensor_view &tensor) {
  std::size_t count = 1;
  for (std::uint32_t k = 0; k < tensor.rank; ++k) count *= static_cast<std::size_t>(tensor.shape[k]);
  return {static_cast<const float *>(tensor.data), count};
}

// Both ends at once.
struct Ends final : sdk::Accumulator {
  Ends(OrderStatistic lower, OrderStatistic upper) : low(std::move(lower)), high(std::move(upper)) {}
  void observe(const sdk::Context &, const ht_tensor_view &tensor) override {
    low.count(floats_of(tensor));
    high.count(floats_of(tensor));
  }
  void merge(const sdk::Context &, const Accumulator &other) override {
    low.merge(static_cast<const Ends &>(other).low);
    high.merge(static_cast<const Ends &>(other).high);
  }
  bool found() const { return low.found() && high.found(); }
  OrderStatistic low, high;
};

}  // namespace

class Percentile final : public sdk::AccumulatingObserver {
 public:
  static constexpr std::uint32_t kWants = HT_WANT_HISTOGRAM | HT_WANT_GROUPS;
  static constexpr std::uint32_t kWantsPerChannel = HT_WANT_CHANNEL_RANGE;
  static constexpr std::uint32_t kFlags = HT_OBSERVER_EXACT_MERGE;

  static void describe(sdk::Description &d) {
    d.id("percentile")
        .title("a range that leaves out a given share of the values on each side")
        .threading(HT_THREADING_FREE)
        .doc(
            "Of n sorted values, zeros included, the low end is the one at index floor(n * (1 - percentile)) and the "
            "high end the one at min(floor(n * percentile), n - 1), each to the outer edge of its histogram bin. With "
            "`exact` a second pass over the data counts the floats inside these two bins, and the ends are the values "
            "themselves.\n"
            "\n"
            "When the calibration pass forms groups of samples (`group`), the ends are found in each group and "
            "averaged. PPQ does so for each batch, so that `group` equal to its batch size gives its values. "
            "`exact` is of all samples at once. Channels and blocks are looked at in a second pass of their own, in "
            "2048 "
            "bins each, or value by value where there are no more; groups and `exact` are for tensors.\n"
            "\n"
            "PPQ counterpart: the observer `percentile`.");
    d.params.number("percentile", "the share of the values that lie below the high end", 0.9999, 0.5, 1.0)
        .flag("exact", "the values themselves instead of the edges of their bins; takes a second pass", false);
  }
  explicit Percentile(const sdk::Args &args) : fraction_(args.number("percentile")), exact_(args.flag("exact")) {}

  ht_str derive(const sdk::Context &ctx, const ht_statistics &statistics, const ht_quant_spec &, std::span<float> low,
                std::span<float> high) const override {
    if (exact_) return ends_found(ctx, ends_in(statistics), low, high);
    const Range range = percentile_range(statistics, fraction_);
    low[0] = static_cast<float>(range.low);
    high[0] = static_cast<float>(range.high);
    char text[80];
    const int written = statistics.group_count > 0
                            ? std::snprintf(text, sizeof text, "percentile %.9g, mean of %llu groups", fraction_,
                                            static_cast<unsigned long long>(statistics.group_count))
                            : std::snprintf(text, sizeof text, "percentile %.9g", fraction_);
    return ctx.keep(std::string_view(text, static_cast<std::size_t>(written)));
  }

  std::unique_ptr<sdk::Accumulator> begin(const sdk::Context &, const ht_quant_spec &spec,
                                          const ht_statistics *statistics,
                                          const sdk::Accumulator *previous) const override {
    if (spec.granularity != HT_PER_TENSOR) {
      if (statistics == nullptr || previous != nullptr) return nullptr;
      return std::make_unique<ChannelAccumulator>(*statistics, spec);
    }
    if (!exact_ || statistics == nullptr) return nullptr;
    Ends ends = ends_in(*statistics);
    if (previous != nullptr) ends = narrowed(*previous);
    return ends.found() ? nullptr : std::make_unique<Ends>(std::move(ends));
  }

  ht_str finish(const sdk::Context &ctx, const sdk::Accumulator &seen, const ht_statistics &, const ht_quant_spec &spec,
                std::span<float> low, std::span<float> high) const override {
    if (spec.granularity != HT_PER_TENSOR) return of_channels(ctx, seen, low, high);
    return ends_found(ctx, narrowed(seen), low, high);
  }

 private:
  ht_str of_channels(const sdk::Context &ctx, const sdk::Accumulator &seen, std::span<float> low,
                     std::span<float> high) const {
    const ChannelDistributions &found = static_cast<const ChannelAccumulator &>(seen).found;
    for (std::size_t c = 0; c < low.size(); ++c) {
      const Range range = found.visit(c, [&](const Distribution &d) { return percentile_range(d, fraction_); });
      low[c] = static_cast<float>(range.low);
      high[c] = static_cast<float>(range.high);
    }
    char text[80];
    const int written = std::snprintf(text, sizeof text, "percentile %.9g of each channel", fraction_);
    return ctx.keep(std::string_view(text, static_cast<std::size_t>(written)));
  }
  Ends ends_in(const ht_statistics &statistics) const {
    if (statistics.group_count > 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "`exact` percentiles are of all samples at once; leave out `group`, or `exact`");
    }
    const Distribution distribution = distribution_of(statistics);
    const PercentileRanks ranks = percentile_ranks(distribution.total(), fraction_);
    return {OrderStatistic(distribution, ranks.low), OrderStatistic(distribution, ranks.high)};
  }
  static Ends narrowed(const sdk::Accumulator &seen) {
    const auto &ends = static_cast<const Ends &>(seen);
    return {ends.low.found() ? ends.low : ends.low.narrowed(), ends.high.found() ? ends.high : ends.high.narrowed()};
  }
  ht_str ends_found(const sdk::Context &ctx, const Ends &ends, std::span<float> low, std::span<float> high) const {
    low[0] = ends.low.value();
    high[0] = ends.high.value();
    char text[80];
    const int written = std::snprintf(text, sizeof text, "percentile %.9g, exact", fraction_);
    return ctx.keep(std::string_view(text, static_cast<std::size_t>(written)));
  }

  double fraction_;
  bool exact_;
};
HALFTONE_OBSERVER(Percentile)

}  // namespace halftone::observers
