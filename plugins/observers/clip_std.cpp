#include <cstdio>

#include "spread_observer.h"
#include "spread_ranges.h"

namespace halftone::observers {

class ClipStd final : public SpreadObserver {
 public:
  static void describe(sdk::Description &d) {
    d.id("clip-std")
        .title("the mean and so many standard deviations on each side")
        .threading(HT_THREADING_FREE)
        .doc(
            "[mean - k deviation, mean + k deviation] with k = `deviations`, but no end beyond the smallest or largest "
            "value, over all samples or for each channel. What lies outside is clipped.\n"
            "\n"
            "PPQ counterpart: none; MQBench: ClipStdObserver, which takes the wider of this and the extremes and so "
            "never clips, of the last batch only.");
    d.params.number("deviations", "standard deviations on each side", 2.6, 0.1, 100.0);
  }
  explicit ClipStd(const sdk::Args &args) : deviations_(args.number("deviations")) {}
  Range range(const Spread &spread, const ht_quant_spec &) const override { return clipped_range(spread, deviations_); }
  std::string rule() const override {
    char text[48];
    std::snprintf(text, sizeof text, "clip-std %.9g", deviations_);
    return text;
  }

 private:
  double deviations_;
};
HALFTONE_OBSERVER(ClipStd)

}  // namespace halftone::observers
