// Largest magnitude of the activations of each class of channels, from calibration data.
#pragma once

#include "channel_classes.h"

namespace halftone::passes {

enum class Activation {
  kMade,  // outputs of the layers upstream, before relays
  kRead,  // what the layers downstream read
};

// Zeros for classes without layers on both sides. One pass over the data.
std::vector<double> activation_peaks(const sdk::Context &ctx, const sdk::Graph &graph, const ChannelClasses &classes,
                                     Activation which);

}  // namespace halftone::passes
