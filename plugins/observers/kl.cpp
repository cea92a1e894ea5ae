#include "divergence_range.h"
#include "range_search.h"

namespace halftone::observers {

class KullbackLeibler final : public RangeSearch {
 public:
  static void describe(sdk::Description &d) {
    d.id("kl")
        .title("the range that loses least information (Kullback-Leibler divergence)")
        .threading(HT_THREADING_FREE)
        .doc(
            "Every clipping limit is tried: the clipped histogram is compared with what the quantizer's levels leave "
            "of it, and "
            "the limit with the smallest divergence is taken. Source of the method: S. Migacz, 8-bit inference with "
            "TensorRT, "
            "GTC 2017.\n"
            "\n"
            "The histogram has 4096 bins over the searched domain, and the domain shrinks as long as the best limit "
            "lies deep "
            "inside it: a single outlier does not blur the bulk. All limits are tried, not only multiples of the level "
            "count. "
            "Exact zeros are an outcome of their own, because each quantizer represents them exactly. Asymmetric "
            "configs are "
            "searched at both ends. From 12 bits on there are as many levels as bins, and the whole range is kept.\n"
            "\n"
            "The divergence counts values and not their sizes. Limits that would cut off more than a hundredth of the "
            "sum of squares are not tried, so that the few large outputs of a softmax stay what they are; values "
            "rarer than one in 32768 are outliers and may go.\n"
            "\n"
            "PPQ counterpart: the observer `kl`, which overwrites the lowest bins and knows symmetric configs only.");
  }
  explicit KullbackLeibler(const sdk::Args &) {}

  Range find(const sdk::Context &, const Distribution &distribution, const ht_quant_spec &spec) const override {
    if (spec.kind != HT_QUANT_INTEGER) return {distribution.minimum, distribution.maximum};
    return spec.symmetry == HT_SYMMETRIC ? symmetric_divergence_range(distribution, spec.bits)
                                         : asymmetric_divergence_range(distribution, spec.bits);
  }
  ht_str rule(const sdk::Context &, const ht_quant_spec &spec) const override {
    return sdk::view(
        std::string_view(spec.kind == HT_QUANT_INTEGER ? "kl" : "minmax (kl has no levels to compare for float8)"));
  }
};
HALFTONE_OBSERVER(KullbackLeibler)

}  // namespace halftone::observers
