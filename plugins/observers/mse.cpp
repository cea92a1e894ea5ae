#include "range_search.h"
#include "squared_error_range.h"

namespace halftone::observers {

class SquaredError final : public RangeSearch {
 public:
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
            "Asymmetric configs are searched at both ends. Channels and blocks are searched each for itself, in a "
            "second pass "
            "over the data where they are of activations.\n"
            "\n"
            "PPQ counterpart: the observer `mse`, which tries nine ranges for int8 and lets one half own all levels.");
    d.params.number("clip_weight",
                    "what the squared error of a clipped value counts relative to that of a rounded one; below 1 a few "
                    "large values cost the others less resolution",
                    1.0, 0.001, 1.0);
  }
  explicit SquaredError(const sdk::Args &args) : clip_weight_(args.number("clip_weight")) {}

  Range find(const sdk::Context &, const Distribution &distribution, const ht_quant_spec &spec) const override {
    if (spec.kind != HT_QUANT_INTEGER) return {distribution.minimum, distribution.maximum};
    return squared_error_range(distribution, spec, clip_weight_);
  }
  ht_str rule(const sdk::Context &, const ht_quant_spec &spec) const override {
    return sdk::view(
        std::string_view(spec.kind == HT_QUANT_INTEGER ? "mse" : "minmax (mse searches integer grids only)"));
  }

 private:
  double clip_weight_;
};
HALFTONE_OBSERVER(SquaredError)

}  // namespace halftone::observers
