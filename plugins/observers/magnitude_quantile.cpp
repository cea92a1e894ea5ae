#include "magnitude_quantile.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace halftone::observers {

double magnitude_quantile(const Distribution &distribution, double fraction) {
  std::vector<std::pair<double, std::uint64_t>> bins;  // outer edge, values
  for (std::size_t i = 0; i < distribution.counts.size(); ++i) {
    if (distribution.counts[i] == 0) continue;
    const double outer = std::max(std::fabs(distribution.lower(i)), std::fabs(distribution.upper(i)));
    bins.emplace_back(outer, distribution.counts[i]);
  }
  std::sort(bins.begin(), bins.end());
  const double wanted = std::ceil(fraction * static_cast<double>(distribution.total()));
  std::uint64_t below = distribution.zeros;
  if (static_cast<double>(below) >= wanted) return 0;
  for (const auto &[outer, count] : bins) {
    below += count;
    if (static_cast<double>(below) >= wanted) return outer;
  }
  return distribution.absolute_maximum();
}

Range magnitude_range(const Distribution &distribution, double fraction) {
  const double limit = magnitude_quantile(distribution, fraction);
  return {std::max(distribution.minimum, -limit), std::min(distribution.maximum, limit)};
}

}  // namespace halftone::observers
