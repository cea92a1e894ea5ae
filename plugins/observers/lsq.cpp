#include "spread_observer.h"
#include "spread_ranges.h"

namespace halftone::observers {

class LearnedStepStart final : public SpreadObserver {
 public:
  static void describe(sdk::Description &d) {
    d.id("lsq")
        .title("the step that learned step sizes begin with, from the mean magnitude")
        .threading(HT_THREADING_FREE)
        .doc(
            "scale = 2 mean|x| / sqrt(qmax), with qmax the largest code, over all samples or for each channel. "
            "Asymmetric configs begin at the smallest value, and their zero point stays within the codes. It is meant "
            "as the start of a training that moves the scale, and is no calibration by itself. Float8 configs get "
            "their "
            "extremes.\n"
            "\n"
            "Source: Esser et al. 2020, Learned Step Size Quantization, section 2.1. PPQ counterpart: none; MQBench: "
            "LSQObserver, which looks at the last batch only and lets the zero point leave the codes.");
  }
  explicit LearnedStepStart(const sdk::Args &) {}
  Range range(const Spread &spread, const ht_quant_spec &spec) const override { return lsq_range(spread, spec); }
  std::string rule() const override { return "lsq"; }
};
HALFTONE_OBSERVER(LearnedStepStart)

}  // namespace halftone::observers
