// Samples to train on and samples held out to judge by.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "../counter_random.h"

namespace halftone::passes {

struct SampleSplit {
  std::vector<std::uint64_t> training, held_out;  // ascending; held_out is `training` where none is held out
};

// `validation`: below 1 a share of the samples, else their number; drawn by the seed. One is left to train on.
inline SampleSplit split_samples(std::uint64_t count, double validation, std::uint64_t seed) {
  std::vector<std::uint64_t> order(count);
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  for (std::uint64_t i = count; i > 1; --i) std::swap(order[i - 1], order[below(mixed(seed, i), i)]);
  const double wanted = validation < 1 ? std::ceil(validation * static_cast<double>(count)) : std::floor(validation);
  const auto held = std::min(static_cast<std::uint64_t>(wanted), count - std::min<std::uint64_t>(count, 1));
  SampleSplit split;
  split.held_out.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(held));
  split.training.assign(order.begin() + static_cast<std::ptrdiff_t>(held), order.end());
  std::ranges::sort(split.held_out);
  std::ranges::sort(split.training);
  if (held == 0) split.held_out = split.training;
  return split;
}

}  // namespace halftone::passes
