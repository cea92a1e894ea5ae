// x-hat * scale + shift, and its gradients: the end of every normalization.
#pragma once

#include <optional>
#include <vector>

#include "normalized.h"
#include "sums.h"

namespace halftone::gradients {

// Sums for scale and shift, each only where its gradient is wanted.
struct AffineSums {
  AffineSums(const sdk::Backward &pass, std::size_t scale_slot, std::size_t shift_slot) {
    if (pass.wants(scale_slot)) scale.emplace(pass.dx(scale_slot));
    if (pass.wants(shift_slot)) shift.emplace(pass.dx(shift_slot));
  }
  void add(std::int64_t scale_at, std::int64_t shift_at, double dy, double hat) {
    if (scale) (*scale)[scale_at] += dy * hat;
    if (shift) (*shift)[shift_at] += dy;
  }
  void store() const {
    if (scale) scale->store();
    if (shift) shift->store();
  }

  std::optional<Sums> scale, shift;
};

}  // namespace halftone::gradients
