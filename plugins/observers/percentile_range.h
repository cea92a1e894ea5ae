// The values at two ranks of the sorted elements.
#pragma once

#include "distribution.h"

namespace halftone::observers {

// Indices, from 0, of the ends among n > 0 sorted values.
struct PercentileRanks {
  std::uint64_t low = 0, high = 0;
};
PercentileRanks percentile_ranks(std::uint64_t n, double fraction);

// Of n sorted values, zeros in their place, those at index floor(n * (1 - fraction)) and min(floor(n * fraction), n -
// 1), each to the outer edge of its bin.
Range percentile_range(const Distribution &distribution, double fraction);

// With groups: the mean of the groups' lows and highs. Without: the range of the whole.
Range percentile_range(const ht_statistics &statistics, double fraction);

}  // namespace halftone::observers
