// Channel ranges of values that the calibration service takes no statistics of, from the samples themselves.
#pragma once

#include "channel_ranges.h"

namespace halftone::passes {

// One pass over all samples through the model as it stands, in float. Values come as float32, whatever their type is;
// one that is NaN or infinite then is an error that names the value. The same bits on any number of threads: what each
// sample gives is added up in the order of the samples.
std::map<ht_handle, ChannelRange> sample_ranges(const sdk::Context &ctx, const std::vector<RangeRequest> &requests);

}  // namespace halftone::passes
