#include <cstdio>

#include "magnitude_quantile.h"
#include "moving_fold.h"

namespace halftone::observers {

class MovingQuantile final : public GroupedSearch {
 public:
  static void describe(sdk::Description &d) {
    d.id("moving-quantile")
        .title("extremes of groups of samples without the largest magnitudes, averaged")
        .threading(HT_THREADING_FREE)
        .doc(
            "In each `group` of consecutive samples, values whose magnitude is among the largest 1 - `quantile` are "
            "left out: with L the magnitude at index ceil(quantile * n) - 1 of n sorted ones, zeros included, to the "
            "outer edge of its bin (a 64th of an octave), the range is [max(min, -L), min(max, L)]. range = momentum * "
            "range + (1 - momentum) * that of the group, beginning with the first. For the tensor or for each channel, "
            "in a second pass over the data whose memory does not grow with it.\n"
            "\n"
            "PPQ counterpart: none; MQBench: EMAQuantileObserver, for tensors only, whose 2048 bins are equally wide, "
            "so that one outlier coarsens all, and whose limit is the middle of a bin.");
    d.params.number("quantile", "the share of the magnitudes that is kept", 0.99999, 0.5, 1.0)
        .number("momentum", "what stays of the range at each group", 0.9, 0.0, 0.9999);
    declare_group(d);
  }
  explicit MovingQuantile(const sdk::Args &args)
      : GroupedSearch(args.integer("group")), quantile_(args.number("quantile")), momentum_(args.number("momentum")) {}

  std::unique_ptr<GroupFold> fold(const ht_quant_spec &) const override {
    return std::make_unique<MovingFold>(
        momentum_, [quantile = quantile_](const Distribution &d) { return magnitude_range(d, quantile); });
  }
  std::string rule() const override {
    char text[96];
    std::snprintf(text, sizeof text, "moving-quantile %.9g with momentum %.9g", quantile_, momentum_);
    return text;
  }

 private:
  double quantile_, momentum_;
};
HALFTONE_OBSERVER(MovingQuantile)

}  // namespace halftone::observers
