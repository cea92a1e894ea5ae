#include "halftone/observer.hpp"

namespace halftone::observers {

class MinMax final : public sdk::Observer {
 public:
  static constexpr std::uint32_t kWants = 0;
  static constexpr std::uint32_t kWantsPerChannel = HT_WANT_CHANNEL_RANGE;

  static void describe(sdk::Description &d) {
    d.id("minmax")
        .title("the smallest and largest value seen")
        .threading(HT_THREADING_FREE)
        .doc(
            "The range is that of the values seen, for the tensor or for each channel. Nothing is clipped, so that one "
            "outlier sets the step for all other values; the usual choice for weights.\n"
            "\n"
            "PPQ counterpart: the observer `minmax`.");
  }
  explicit MinMax(const sdk::Args &) {}

  ht_str derive(const sdk::Context &, const ht_statistics &statistics, const ht_quant_spec &spec, std::span<float> low,
                std::span<float> high) const override {
    if (spec.granularity == HT_PER_TENSOR) {
      low[0] = statistics.minimum;
      high[0] = statistics.maximum;
      return sdk::view(std::string_view("minmax"));
    }
    if (spec.granularity != HT_PER_CHANNEL) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "observer 'minmax' knows ranges per tensor and per channel, not per block");
    }
    if (statistics.channel_count != low.size()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the statistics have " + std::to_string(statistics.channel_count) +
                                                  " channels where " + std::to_string(low.size()) + " are needed");
    }
    for (std::size_t c = 0; c < low.size(); ++c) {
      low[c] = statistics.channel_minimum[c];
      high[c] = statistics.channel_maximum[c];
    }
    return sdk::view(std::string_view("minmax per channel"));
  }
};
HALFTONE_OBSERVER(MinMax)

}  // namespace halftone::observers
