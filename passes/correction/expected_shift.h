// By how much quantized weights shift the means of a layer's outputs, from the means of its input channels.
#pragma once

#include <vector>

#include "layers.h"

namespace halftone::passes {

// Means of the input channels of each layer in the float network, from one pass over the data; empty for a layer whose
// input has no known rank.
std::vector<std::vector<double>> input_means(const sdk::Context &ctx, const std::vector<Layer> &layers);

// E[(Q(W) - W) x] for each output channel: the sum over input channels of their mean times what rounding does to the
// weights that meet it. Padding counts as if it were data.
std::vector<double> expected_shift(const sdk::Context &ctx, const Layer &layer, const std::vector<double> &means);

}  // namespace halftone::passes
