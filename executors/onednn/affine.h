// Factors and shifts of channels that become part of a convolution's weights: batch normalizations, biases that were
// added, constants that were multiplied by.
#pragma once

#include <optional>
#include <vector>

#include "post_ops.h"
#include "program.h"

namespace halftone::onednn {

struct Affine {
  std::vector<float> factor, shift;  // one for each channel
};

// The numbers of an operation that only scales or shifts by constants of the channels (axis 1), or nothing. `constant`
// belongs to op.value, where that is one.
std::optional<Affine> affine_of(const PostOp &op, const Constant *constant, std::size_t channels);

// First `first`, then `second`; rounded once.
Affine then(const Affine &first, const Affine &second);

}  // namespace halftone::onednn
