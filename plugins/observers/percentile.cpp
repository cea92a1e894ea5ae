#include <cstdio>

#include "halftone/observer.hpp"
#include "percentile_range.h"

namespace halftone::observers {

class Percentile final : public sdk::Observer {
 public:
  static constexpr std::uint32_t kWants = HT_WANT_HISTOGRAM | HT_WANT_GROUPS;
  static constexpr std::uint32_t kWantsPerChannel = 0;

  static void describe(sdk::Description &d) {
    d.id("percentile")
        .title("a range that leaves out a given share of the values on each side")
        .threading(HT_THREADING_FREE)
        .doc(
            "Of n sorted values, zeros included, the low end is the one at index floor(n * (1 - percentile)) and the "
            "high end "
            "the one at min(floor(n * percentile), n - 1), each to the outer edge of its histogram bin.\n"
            "\n"
            "When the calibration pass forms groups of samples (`group`), the ends are found in each group and "
            "averaged. PPQ does "
            "so for each batch, so that `group` equal to its batch size gives its values.\n"
            "\n"
            "PPQ counterpart: the observer `percentile`.");
    d.params.number("percentile", "the share of the values that lie below the high end", 0.9999, 0.5, 1.0);
  }
  explicit Percentile(const sdk::Args &args) : fraction_(args.number("percentile")) {}

  ht_str derive(const sdk::Context &ctx, const ht_statistics &statistics, const ht_quant_spec &, std::span<float> low,
                std::span<float> high) const override {
    const Range range = percentile_range(statistics, fraction_);
    low[0] = static_cast<float>(range.low);
    high[0] = static_cast<float>(range.high);
    char text[80];
    const int written = statistics.group_count > 0
                            ? std::snprintf(text, sizeof text, "percentile %.9g, mean of %llu groups", fraction_,
                                            static_cast<unsigned long long>(statistics.group_count))
                            : std::snprintf(text, sizeof text, "percentile %.9g", fraction_);
    return ctx.keep(std::string_view(text, static_cast<std::size_t>(written)));
  }

 private:
  double fraction_;
};
HALFTONE_OBSERVER(Percentile)

}  // namespace halftone::observers
