// How good the whole quantized network is on the calibration samples, beside the float one.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "halftone/execution.hpp"

namespace halftone::passes {

struct NetworkFigures {
  double noise = 0;                        // noise/signal, the mean over outputs and samples
  std::optional<double> agreement;         // share of the samples whose winner is that of the float network
  std::optional<double> top1, float_top1;  // shares, where there are labels
};

// Runs both. `labels` may be empty; winners are of the first output, where it has one score for each class. `samples`
// 0: all.
NetworkFigures measure_network(const sdk::Context &ctx, std::vector<std::int64_t> labels, std::uint64_t samples);

}  // namespace halftone::passes
