#include "percentile_range.h"

#include <algorithm>

namespace halftone::observers {
namespace {

// The bin (or the zeros, as an empty interval at 0) in which the value of this rank lies.
Range interval_at(const Distribution &d, std::uint64_t rank) {
  std::uint64_t seen = 0;
  bool zeros_passed = d.zeros == 0;
  for (std::size_t i = 0; i < d.counts.size(); ++i) {
    if (!zeros_passed && d.edges[i + 1] > 0) {
      zeros_passed = true;
      seen += d.zeros;
      if (rank < seen) return {0, 0};
    }
    seen += d.counts[i];
    if (rank < seen) return {d.lower(i), d.upper(i)};
  }
  if (!zeros_passed) return {0, 0};
  return {d.minimum, d.maximum};
}

}  // namespace

PercentileRanks percentile_ranks(std::uint64_t n, double fraction) {
  const auto count = static_cast<double>(n);
  return {std::min(static_cast<std::uint64_t>(count * (1 - fraction)), n - 1),
          std::min(static_cast<std::uint64_t>(count * fraction), n - 1)};
}

Range percentile_range(const Distribution &distribution, double fraction) {
  const std::uint64_t n = distribution.total();
  if (n == 0) return {};
  const PercentileRanks ranks = percentile_ranks(n, fraction);
  return {interval_at(distribution, ranks.low).low, interval_at(distribution, ranks.high).high};
}

Range percentile_range(const ht_statistics &statistics, double fraction) {
  Range sum;
  std::uint64_t groups = 0;
  const auto *bytes = reinterpret_cast<const unsigned char *>(statistics.groups);
  for (std::uint64_t g = 0; g < statistics.group_count; ++g) {
    // Walked by the first element's size: the host may know a longer struct than this plug-in.
    const auto &group = *reinterpret_cast<const ht_statistics *>(bytes + g * statistics.groups->struct_size);
    if (group.count == 0) continue;
    const Range r = percentile_range(distribution_of(group), fraction);
    sum.low += r.low;
    sum.high += r.high;
    ++groups;
  }
  if (groups == 0) return percentile_range(distribution_of(statistics), fraction);
  return {sum.low / static_cast<double>(groups), sum.high / static_cast<double>(groups)};
}

}  // namespace halftone::observers
