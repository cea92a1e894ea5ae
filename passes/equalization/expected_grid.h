// The grid that a slot will be quantized on once configs exist, as far as the platform tells before.
#pragma once

#include <algorithm>
#include <cstdint>

#include "halftone/graph.hpp"

namespace halftone::passes {

// A scale with a zero point, in double precision.
struct GridStep {
  double scale = 1, zero = 0, low = -128, high = 127;  // low, high: codes
  double nearest(double x) const {
    // Adding and taking off 1.5 * 2^52 rounds to the nearest even integer, for magnitudes that the clamp allows; they
    // are beyond the codes of every grid.
    constexpr double kRound = 6755399441055744.0;
    const double code = std::clamp(x / scale, -1e12, 1e12);
    return (std::clamp((code + kRound) - kRound + zero, low, high) - zero) * scale;
  }
};

struct ExpectedGrid {
  bool quantized = true;
  bool symmetric = true, per_channel = false, power_of_two = false;
  bool cuts = false;  // the observer may cut off what is rare
  double low = -128, high = 127;
  // That of a range that is widened to contain 0.
  GridStep step(double least, double most) const;
};

// Of an input slot of a node. Without platform: 8 bits, symmetric, weights with a scale for each channel. Grids that
// are no integers have steps in proportion to each number, so no scaling helps them: they count as not quantized.
ExpectedGrid expected_grid(const sdk::Context &ctx, ht_handle node, std::uint32_t slot, bool weight);

}  // namespace halftone::passes
