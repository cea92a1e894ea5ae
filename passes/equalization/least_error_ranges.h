// The range of each class of channels that quantization would choose for it alone, from calibration data.
#pragma once

#include "channel_classes.h"
#include "magnitudes.h"

namespace halftone::passes {

// `peaks` are the largest magnitudes of what the layers downstream read, by class. Zero stays zero. Another pass over
// the data, which counts each channel's magnitudes in eighths of octaves below its peak; the counts are integers, so
// that the result does not depend on the threads.
std::vector<double> least_error_ranges(const sdk::Context &ctx, const sdk::Graph &graph, const ChannelClasses &classes,
                                       std::span<const double> peaks, const GridOf &grid);

}  // namespace halftone::passes
