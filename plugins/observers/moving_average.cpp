#include <algorithm>
#include <cstdio>
#include <limits>

#include "halftone/observer.hpp"
#include "moving_range.h"

namespace halftone::observers {
namespace {

// Holds one sample, or all of them in their order.
class MovingExtremes final : public sdk::Accumulator {
 public:
  MovingExtremes(const ht_quant_spec &spec, double momentum, std::uint64_t group)
      : axis_(spec.granularity == HT_PER_CHANNEL ? spec.axis : -1), range_(momentum, group), sample_(momentum, 0) {}

  void observe(const sdk::Context &, const ht_tensor_view &tensor) override {
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
    std::vector<float> low(channels, std::numeric_limits<float>::max()), high(channels, -low.front());
    const auto *data = static_cast<const float *>(tensor.data);
    if (axis_ < 0) inner = count;
    for (std::size_t i = 0, c = 0; i < count; i += inner, c = c + 1 == channels ? 0 : c + 1) {
      float least = low[c], most = high[c];
      for (std::size_t k = 0; k < inner; ++k) {
        least = std::min(least, data[i + k]);
        most = std::max(most, data[i + k]);
      }
      low[c] = least;
      high[c] = most;
    }
    add(low, high);
  }
  void merge(const sdk::Context &, const Accumulator &other) override {
    const MovingRange &sample = static_cast<const MovingExtremes &>(other).sample_;
    if (!sample.empty()) add(sample.waiting_low(), sample.waiting_high());
  }
  MovingRange finished() const { return range_.finished(); }

 private:
  void add(std::span<const float> low, std::span<const float> high) {
    if (!sample_.empty() && sample_.waiting_low().size() != low.size()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the number of channels differs from sample to sample");
    }
    sample_.add(low, high);
    range_.add(low, high);
  }

  std::int32_t axis_;
  MovingRange range_;
  MovingRange sample_;  // a group without end: the extremes of all that was seen here
};

}  // namespace

class MovingAverage final : public sdk::AccumulatingObserver {
 public:
  static constexpr std::uint32_t kWants = 0;
  static constexpr std::uint32_t kWantsPerChannel = HT_WANT_CHANNEL_RANGE;

  static void describe(sdk::Description &d) {
    d.id("moving-average")
        .title("smallest and largest values, averaged over groups of samples")
        .threading(HT_THREADING_FREE)
        .doc(
            "The extremes of each `group` of consecutive samples move the range by 1 - momentum of the way towards "
            "them: range = momentum * range + (1 - momentum) * extremes, beginning with those of the first group. One "
            "outlier costs less than with minmax, and late samples count for more than early ones. For the tensor or "
            "for each channel. The order of the samples matters; threads and batches do not. A stored parameter has "
            "one sample, and gets its extremes.\n"
            "\n"
            "Source: Jacob et al. 2018, Quantization and Training of Neural Networks for Efficient "
            "Integer-Arithmetic-Only Inference, section 3.1. PPQ counterpart: none; MQBench: EMAMinMaxObserver.");
    d.params.number("momentum", "what stays of the range at each group", 0.9, 0.0, 0.9999)
        .integer("group", "samples whose extremes are one step", 16, 1, 1 << 20, "samples");
  }
  explicit MovingAverage(const sdk::Args &args)
      : momentum_(args.number("momentum")), group_(static_cast<std::uint64_t>(args.integer("group"))) {}

  ht_str derive(const sdk::Context &, const ht_statistics &, const ht_quant_spec &, std::span<float>,
                std::span<float>) const override {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "moving-average follows the samples in their order, which common statistics do not keep");
  }

  std::unique_ptr<sdk::Accumulator> begin(const sdk::Context &, const ht_quant_spec &spec,
                                          const ht_statistics *statistics, const sdk::Accumulator *) const override {
    if (statistics != nullptr) return nullptr;
    return std::make_unique<MovingExtremes>(spec, momentum_, group_);
  }

  ht_str finish(const sdk::Context &ctx, const sdk::Accumulator &seen, const ht_statistics &, const ht_quant_spec &,
                std::span<float> low, std::span<float> high) const override {
    const MovingRange range = static_cast<const MovingExtremes &>(seen).finished();
    if (range.low().size() != low.size()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "ranges of " + std::to_string(range.low().size()) + " channels where " +
                                                  std::to_string(low.size()) + " are needed");
    }
    for (std::size_t c = 0; c < low.size(); ++c) {
      low[c] = static_cast<float>(range.low()[c]);
      high[c] = static_cast<float>(range.high()[c]);
    }
    char text[96];
    const int written = std::snprintf(text, sizeof text, "moving average with momentum %.9g over %llu groups",
                                      momentum_, static_cast<unsigned long long>(range.groups()));
    return ctx.keep(std::string_view(text, static_cast<std::size_t>(written)));
  }

 private:
  double momentum_;
  std::uint64_t group_;
};
HALFTONE_OBSERVER(MovingAverage)

}  // namespace halftone::observers
