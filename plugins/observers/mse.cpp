#include "halftone/observer.hpp"
#include "squared_error_range.h"

namespace halftone::observers {

class SquaredError final : public sdk::Observer {
 public:
  static constexpr std::uint32_t kWants = HT_WANT_HISTOGRAM;
  static constexpr std::uint32_t kWantsPerChannel = 0;

  static void describe(sdk::Description &d) {
    d.id("mse")
        .title("the range with the least expected squared error")
        .threading(HT_THREADING_FREE)
        .doc(
            "Candidate ranges over sixteen octaves, then finer ones around the best, are judged by the error that the "
            "quantizer "
            "would make on the histogram: rounding inside the range and clipping outside it, with the values of a bin "
            "spread "
            "evenly over it. The grid judged is the one the platform gets, power-of-two scales and zero points "
            "included. "
            "Asymmetric configs are searched at both ends.\n"
            "\n"
            "PPQ counterpart: the observer `mse`, which tries nine ranges for int8 and lets one half own all levels.");
    d.params.number("clip_weight",
                    "what the squared error of a clipped value counts relative to that of a rounded one; below 1 a few "
                    "large values cost the others less resolution",
                    1.0, 0.001, 1.0);
  }
  explicit SquaredError(const sdk::Args &args) : clip_weight_(args.number("clip_weight")) {}

  ht_str derive(const sdk::Context &, const ht_statistics &statistics, const ht_quant_spec &spec, std::span<float> low,
                std::span<float> high) const override {
    if (spec.kind != HT_QUANT_INTEGER) {
      low[0] = statistics.minimum;
      high[0] = statistics.maximum;
      return sdk::view(std::string_view("minmax (mse searches integer grids only)"));
    }
    const Range range = squared_error_range(distribution_of(statistics), spec, clip_weight_);
    low[0] = static_cast<float>(range.low);
    high[0] = static_cast<float>(range.high);
    return sdk::view(std::string_view("mse"));
  }

 private:
  double clip_weight_;
};
HALFTONE_OBSERVER(SquaredError)

}  // namespace halftone::observers
