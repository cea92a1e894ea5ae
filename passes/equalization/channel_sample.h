// What samples show of the channels of some values: moments over all numbers, and some positions with all channels.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "halftone/graph.hpp"
#include "halftone/pass.hpp"

namespace halftone::passes {

struct ChannelSample {
  std::vector<double> low, high, mean, variance;  // of each index of the axis
  std::vector<float> rows;                        // positions one after the other, each with all channels
};

struct SampleRequest {
  ht_handle value = HT_NONE;
  std::int64_t axis = 1;  // below 0: from the last, which is -1
  std::size_t channels = 0;
};

// By value and axis, as in the requests.
using ChannelSamples = std::map<std::pair<ht_handle, std::int64_t>, ChannelSample>;

// One pass over at most `samples` samples (0: all) through the model as it stands, in float. About 512 positions of
// each value are kept. The same bits on any number of threads. A value that no sample gives the named number of
// channels has empty lists.
ChannelSamples sample_channels(const sdk::Context &ctx, const std::vector<SampleRequest> &requests,
                               std::uint64_t samples);

}  // namespace halftone::passes
