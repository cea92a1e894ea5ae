// How far values of the quantized network are from those of the float network, sample by sample.
#pragma once

#include <cstdint>
#include <vector>

#include "halftone/execution.hpp"
#include "halftone/graph.hpp"

namespace halftone::passes {

// A value to be compared. Channels lie along `axis`, counted from the end where it is below 0.
struct Probe {
  ht_handle value = HT_NONE;
  std::int32_t axis = 1;
};

struct ProbeError {
  std::vector<double> mean;  // of quantized - float, by channel
  double squared = 0;        // sum of (quantized - float)^2
};

// One pass over the first `samples` samples (0: all): the network as it is quantized now against the float network.
// Each sample is summed up in a fixed order, and samples in theirs, so that threads change no bit.
std::vector<ProbeError> measure_errors(const sdk::Context &ctx, const std::vector<Probe> &probes,
                                       std::uint64_t samples);

}  // namespace halftone::passes
