// The turn of feature pairs that rotary embeddings are (Su et al., RoFormer, arXiv:2104.09864).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "halftone/op_kernel.hpp"

namespace halftone::reference {

// Caches hold `half` cosines and sines for each position.
struct RotaryCaches {
  std::vector<double> cosines, sines;
  std::int64_t half = 0;
  bool interleaved = false;  // pairs are neighbours, or stand half the turned features apart

  void turn(double *vector, std::int64_t position) const {
    if (position < 0 || half < 1 || position >= static_cast<std::int64_t>(cosines.size()) / half) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "position " + std::to_string(position) + " is outside of the caches");
    }
    for (std::int64_t k = 0; k < half; ++k) {
      double &first = vector[interleaved ? 2 * k : k], &second = vector[interleaved ? 2 * k + 1 : k + half];
      const double c = cosines[static_cast<std::size_t>(position * half + k)], u = first, v = second;
      const double s = sines[static_cast<std::size_t>(position * half + k)];
      first = c * u - s * v;
      second = s * u + c * v;
    }
  }
};

}  // namespace halftone::reference
