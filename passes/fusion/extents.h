// Comparing shapes as far as they are known.
#pragma once

#include <cstddef>

#include "halftone/tensor.h"

namespace halftone::passes {

// One axis: both known and equal, or, where `dynamic`, both unknown.
inline bool same_extent(const ht_tensor_info &a, const ht_tensor_info &b, std::size_t axis, bool dynamic) {
  if (a.shape[axis] < 0 && b.shape[axis] < 0) return dynamic;
  return a.shape[axis] == b.shape[axis];
}

// Known ranks that are equal, and every axis as above.
inline bool same_extents(const ht_tensor_info &a, const ht_tensor_info &b, bool dynamic) {
  if (a.known_rank == 0 || b.known_rank == 0 || a.rank != b.rank) return false;
  for (std::size_t axis = 0; axis < a.rank; ++axis) {
    if (!same_extent(a, b, axis, dynamic)) return false;
  }
  return true;
}

}  // namespace halftone::passes
