// The scale of a bias follows from the input and the weight: it is added to an accumulator that counts in their
// product.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace halftone::passes {

struct BiasProblem {
  std::span<const float> bias;  // channels vary fastest
  float input_scale = 1;
  std::span<const float>
      weight_scales;            // one, or one for each channel; fewer repeat, as for the groups of ConvTranspose
  std::size_t scale_count = 1;  // scales that the bias has: one, or one for each channel
  double largest_code = 0;      // of the bias's type, in magnitude
  bool power_of_two = false;    // scales of the weight are powers of two
};

struct BiasScales {
  std::vector<float> scales;
  std::vector<float> weight_scales;  // with those enlarged that were too small for their bias
  std::size_t overflows = 0;         // channels whose bias does not fit the type with the weight's present scale
};

// `repair` enlarges the weight scales of the channels that overflow; without it they are only counted.
BiasScales derive_bias_scales(const BiasProblem &problem, bool repair);

}  // namespace halftone::passes
