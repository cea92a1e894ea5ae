// The gradient of one operand of an elementwise function with broadcasting.
#pragma once

#include <algorithm>

#include "sums.h"

namespace halftone::gradients {

// dx(slot) = the sum over the elements that the operand is repeated to of dy * factor(offsets in `operands`...).
// factor(k, i) is the operand's derivative where the output has index i; k has the offset in every operand.
template <std::size_t N, typename Factor>
void sum_to_operand(const sdk::Backward &pass, std::size_t slot, const std::array<std::size_t, N> &operands,
                    Factor factor) {
  if (!pass.wants(slot)) return;
  const ShapeSpan shape = pass.output_shape();
  const auto dy = pass.dy();
  std::array<Shape, N + 2> strides = {strides_of(shape), broadcast_strides(pass.input_shape(slot), shape)};
  for (std::size_t k = 2; k < N + 2; ++k) strides[k] = broadcast_strides(pass.input_shape(operands[k - 2]), shape);
  const auto part = [&](const auto &at) {
    std::array<std::size_t, N> where{};
    for (std::size_t k = 2; k < N + 2; ++k) where[k - 2] = static_cast<std::size_t>(at[k]);
    const auto i = static_cast<std::size_t>(at[0]);
    return static_cast<double>(dy[i]) * factor(where, i);
  };
  const auto dx = pass.dx(slot);
  if (std::ranges::equal(pass.input_shape(slot), shape)) {
    return for_each_element<N + 2>(
        shape, strides, [&](const auto &at) { dx[static_cast<std::size_t>(at[0])] = static_cast<float>(part(at)); });
  }
  Sums sums(dx);
  for_each_element<N + 2>(shape, strides, [&](const auto &at) { sums[at[1]] += part(at); });
  sums.store();
}

}  // namespace halftone::gradients
