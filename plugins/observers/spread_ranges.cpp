#include "spread_ranges.h"

#include <algorithm>
#include <cmath>

#include "scale_range.h"

namespace halftone::observers {
namespace {

constexpr double kThree = 3;

}  // namespace

Range lsq_range(const Spread &spread, const ht_quant_spec &spec) {
  if (spec.kind != HT_QUANT_INTEGER) return {static_cast<double>(spread.minimum), static_cast<double>(spread.maximum)};
  const double most = static_cast<double>(std::max<std::int64_t>(spec.quant_max, 1));
  return range_of_scale(spec, 2 * spread.absolute_mean() / std::sqrt(most), static_cast<double>(spread.minimum));
}

Range lsq_plus_range(const Spread &spread, const ht_quant_spec &spec) {
  if (spec.kind != HT_QUANT_INTEGER || spec.symmetry != HT_SYMMETRIC) return clipped_range(spread, kThree);
  const double away = kThree * spread.deviation();
  const double most = std::max(std::fabs(spread.mean - away), std::fabs(spread.mean + away));
  // Signed codes: half of them on each side. Unsigned ones are all on one.
  const double codes = std::exp2(static_cast<double>(spec.bits) - (spec.is_signed != 0 ? 1 : 0));
  return range_of_scale(spec, most / codes, 0);
}

Range clipped_range(const Spread &spread, double deviations) {
  const double away = deviations * spread.deviation();
  return {std::max(static_cast<double>(spread.minimum), spread.mean - away),
          std::min(static_cast<double>(spread.maximum), spread.mean + away)};
}

}  // namespace halftone::observers
