#include "spread_observer.h"
#include "spread_ranges.h"
#include "squared_error_range.h"

namespace halftone::observers {

class LearnedStepPlusStart final : public SpreadObserver {
 public:
  static constexpr std::uint32_t kWants = HT_WANT_HISTOGRAM;

  static void describe(sdk::Description &d) {
    d.id("lsq-plus")
        .title("the step and offset that LSQ+ begins with, from mean and deviation or least squared error")
        .threading(HT_THREADING_FREE)
        .doc(
            "Symmetric configs: scale = max(|mean - 3 deviation|, |mean + 3 deviation|) / 2^(bits - 1), as the paper "
            "has it for weights; unsigned codes divide by 2^bits. Asymmetric configs, the paper's activations: the "
            "range of least squared error, searched as the observer `mse` does; where there is one for each channel, "
            "mean +- 3 deviations, no further than the channel's values go. Float8 configs get that too.\n"
            "\n"
            "Source: Bhalgat et al. 2020, LSQ+: Improving low-bit quantization through learnable offsets and better "
            "initialization, section 3.2. PPQ counterpart: none; MQBench: LSQPlusObserver, which nobody can choose, "
            "divides by twice as many codes and takes the smallest value of all channels for each.");
  }
  explicit LearnedStepPlusStart(const sdk::Args &) {}
  Range range(const Spread &spread, const ht_quant_spec &spec) const override { return lsq_plus_range(spread, spec); }
  std::string rule() const override { return "lsq-plus"; }

  ht_str finish(const sdk::Context &ctx, const sdk::Accumulator &seen, const ht_statistics &statistics,
                const ht_quant_spec &spec, std::span<float> low, std::span<float> high) const override {
    if (spec.kind != HT_QUANT_INTEGER || spec.symmetry == HT_SYMMETRIC || spec.granularity != HT_PER_TENSOR)
      return SpreadObserver::finish(ctx, seen, statistics, spec, low, high);
    const Range best = squared_error_range(distribution_of(statistics), spec);
    low[0] = static_cast<float>(best.low);
    high[0] = static_cast<float>(best.high);
    return sdk::view(std::string_view("lsq-plus, least squared error"));
  }
};
HALFTONE_OBSERVER(LearnedStepPlusStart)

}  // namespace halftone::observers
