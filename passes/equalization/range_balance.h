// Factors that balance the ranges on both sides of each channel, found round by round.
#pragma once

#include <functional>

#include "channel_classes.h"

namespace halftone::passes {

struct BalanceOptions {
  std::int64_t rounds = 10;
  double least_range = 0;                       // channels whose two ranges sum to less keep their scale
  double least_factor = 0.1, most_factor = 10;  // of one round
  double tolerance = 1e-4;                      // ends when no factor of a round is further from 1
  bool weights = true, biases = false;
  double weight_multiplier = 1, bias_multiplier = 0.5, activation_multiplier = 0.5;
  std::vector<double> activation_peaks;              // of each class; empty: activations do not count
  std::function<bool(const ChannelSite &)> selects;  // empty: all sites
};

struct Balance {
  std::vector<double> total;  // product of the factors of each class
  std::int64_t rounds = 0;
  std::size_t sites = 0, channels = 0;  // that were scaled
};

// M. Nagel et al. 2019, section 4.1: s = sqrt(d / u), where u is the range of what makes a channel and d that of what
// reads it. Scales the layers of `classes` in memory.
Balance balance_ranges(const sdk::Context &ctx, ChannelClasses &classes, const BalanceOptions &options);

}  // namespace halftone::passes
