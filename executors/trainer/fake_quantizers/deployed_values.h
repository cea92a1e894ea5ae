// Weights that are stored as quantized values.
#pragma once

#include "step_quantizer.h"

namespace halftone::trainer {

// Moves values k * scale so that rounding them again gives k: the quotient of a product of floats may be a hair beside
// k, which matters for configs that round up or down. `again` rounds one value of a group.
template <class Again>
void keep_codes(Grouping g, std::uint32_t rounding, float *values, const Again &again) {
  std::size_t at = 0;
  for (std::size_t o = 0; o < g.outer; ++o) {
    for (std::size_t group = 0; group < g.groups; ++group) {
      for (std::size_t i = 0; i < g.inner; ++i, ++at) {
        const float meant = values[at];
        constexpr int kMostMoves = 4;
        for (int move = 0; move < kMostMoves && again(values[at], group) != meant; ++move) {
          values[at] = std::nextafter(values[at], rounding == HT_ROUND_UP ? -HUGE_VALF : HUGE_VALF);
        }
      }
    }
  }
}

}  // namespace halftone::trainer
