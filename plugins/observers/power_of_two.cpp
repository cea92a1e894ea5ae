#include "power_of_two_range.h"
#include "range_search.h"

namespace halftone::observers {

class PowerOfTwo final : public RangeSearch {
 public:
  static void describe(sdk::Description &d) {
    d.id("power-of-two")
        .title("the power of two that leaves the least squared error, from the one that clips nothing downwards")
        .threading(HT_THREADING_FREE)
        .doc(
            "With s the scale of the extremes, the powers of two 2^-n for n from floor(log2(1 / s)), which clips "
            "nothing, to `finer` above it are judged by the squared error that rounding and clipping would leave on "
            "the histogram; of equals the coarsest is taken. `finer` 0 takes the first, and is minmax with the scale "
            "rounded up. For the tensor, channels or blocks; asymmetric types begin at the smallest value. The type "
            "need not ask for powers of two. Float8 configs get their extremes.\n"
            "\n"
            "PPQ counterpart: none, its power-of-two policies round up; MQBench: MinMaxFloorObserver, for symmetric "
            "tensors, which goes no finer than 2^-12 and takes scales below 2^-15 for 1.");
    d.params.integer("finer", "finer powers of two that are tried", 4, 0, 16);
  }
  explicit PowerOfTwo(const sdk::Args &args) : finer_(static_cast<int>(args.integer("finer"))) {}

  Range find(const sdk::Context &, const Distribution &d, const ht_quant_spec &spec) const override {
    if (spec.kind != HT_QUANT_INTEGER) return {d.minimum, d.maximum};
    return power_of_two_range(spec, power_of_two_exponent(d, spec, finer_), d.minimum);
  }
  ht_str rule(const sdk::Context &, const ht_quant_spec &spec) const override {
    return sdk::view(std::string_view(spec.kind == HT_QUANT_INTEGER
                                          ? "power-of-two"
                                          : "minmax (power-of-two has no integer grid to judge for float8)"));
  }

 private:
  int finer_;
};
HALFTONE_OBSERVER(PowerOfTwo)

}  // namespace halftone::observers
