// What was seen of a tensor, in the form that range searches need: ascending bins with the exact zeros apart.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "halftone/statistics.h"

namespace halftone::observers {

// A range to quantize. It may exclude 0; the host widens it.
struct Range {
  double low = 0;
  double high = 0;
};

// Bin i holds counts[i] values in [edges[i], edges[i + 1]). `zeros` are the exact zeros, which lie in no bin. All
// values are inside [minimum, maximum], so the outer bins are only filled up to these limits.
struct Distribution {
  std::span<const double> edges;
  std::span<const std::uint64_t> counts;
  std::uint64_t zeros = 0;
  double minimum = 0;
  double maximum = 0;

  double lower(std::size_t bin) const { return edges[bin] < minimum ? minimum : edges[bin]; }
  double upper(std::size_t bin) const { return edges[bin + 1] > maximum ? maximum : edges[bin + 1]; }
  double absolute_maximum() const;
  std::uint64_t total() const;  // zeros included
};

// Borrows from the statistics.
Distribution distribution_of(const ht_statistics &statistics);

// Equal bins over [low, high]; what lies outside is counted in `below` and `above`. Counts are not whole numbers: a
// source bin that is wider than a target bin is spread over the bins that it covers.
struct LinearHistogram {
  double low = 0;
  double width = 1;
  std::vector<double> counts;
  double zeros = 0;
  double below = 0;
  double above = 0;

  double edge(std::size_t bin) const { return low + width * static_cast<double>(bin); }
};

LinearHistogram linear_histogram(const Distribution &distribution, double low, double high, std::size_t bins);
// The same of absolute values, over [0, high].
LinearHistogram absolute_histogram(const Distribution &distribution, double high, std::size_t bins);

}  // namespace halftone::observers
