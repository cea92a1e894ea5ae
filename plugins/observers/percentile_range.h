// The values at two ranks of the sorted elements.
#pragma once

#include "distribution.h"

namespace halftone::observers {

// Of n sorted values, zeros in their place, those at index floor(n * (1 - fraction)) and min(floor(n * fraction), n -
// 1), each to the outer edge of its bin.
Range percentile_range(const Distribution &distribution, double fraction);

// With groups: the mean of the groups' lows and highs. Without: the range of the whole.
Range percentile_range(const ht_statistics &statistics, double fraction);

}  // namespace halftone::observers
