#include <cstdio>

#include "moving_fold.h"
#include "squared_error_range.h"

namespace halftone::observers {

class MovingSquaredError final : public GroupedSearch {
 public:
  static void describe(sdk::Description &d) {
    d.id("moving-mse")
        .title("ranges of least squared error of groups of samples, averaged")
        .threading(HT_THREADING_FREE)
        .doc(
            "For each `group` of consecutive samples the range of least squared error is searched as `mse` does, on "
            "the grid that the platform gets; range = momentum * range + (1 - momentum) * that of the group, beginning "
            "with the first. For the tensor or for each channel, in a second pass over the data whose memory does not "
            "grow with it. The order of the samples matters; threads and batches do not. A stored parameter is one "
            "group.\n"
            "\n"
            "PPQ counterpart: none; MQBench: EMAMSEObserver, which shrinks both ends together by at most 95 hundredths "
            "and has an exponent other than 2 to choose.");
    d.params.number("momentum", "what stays of the range at each group", 0.9, 0.0, 0.9999);
    declare_group(d);
  }
  explicit MovingSquaredError(const sdk::Args &args)
      : GroupedSearch(args.integer("group")), momentum_(args.number("momentum")) {}

  std::unique_ptr<GroupFold> fold(const ht_quant_spec &spec) const override {
    return std::make_unique<MovingFold>(momentum_, [spec](const Distribution &d) {
      return spec.kind == HT_QUANT_INTEGER ? squared_error_range(d, spec) : Range{d.minimum, d.maximum};
    });
  }
  std::string rule() const override {
    char text[64];
    std::snprintf(text, sizeof text, "moving-mse with momentum %.9g", momentum_);
    return text;
  }

 private:
  double momentum_;
};
HALFTONE_OBSERVER(MovingSquaredError)

}  // namespace halftone::observers
