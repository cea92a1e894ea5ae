// What calibration data shows of each channel of some values.
#pragma once

#include <map>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::passes {

struct ChannelRange {
  std::vector<double> low, high, mean, deviation;  // one for each index of the axis
  // Largest magnitude of an index.
  double peak(std::size_t index) const;
};

struct RangeRequest {
  ht_handle value = HT_NONE;
  std::size_t axis = 1;
};

// One pass over the calibration data, through the model as it stands, and another one where values are float64. Means
// and deviations are there when `moments` is asked for.
std::map<ht_handle, ChannelRange> collect_ranges(const sdk::Context &ctx, const std::vector<RangeRequest> &requests,
                                                 bool moments = false);

}  // namespace halftone::passes
