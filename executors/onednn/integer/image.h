// The input of a convolution: operands of dot() with the channels last, and padding around them.
#pragma once

#include <optional>
#include <vector>

#include "geometry.h"
#include "integer/plan.h"
#include "widen.h"

namespace halftone::onednn {

class Image {
 public:
  // Reads codes of this form; `source` lives as long as the image. `overread`: whether more is read than there is.
  Image(const Operand &operand, const integer::PlacedView &source, const Axes &before, const Axes &after,
        bool overread);

  // Bytes that an image of this input takes at most.
  static std::uint64_t bytes(const Operand &operand, const ht_tensor_view &x, const Axes &before, const Axes &after);
  // The operands of one sample; valid until the next call.
  const std::uint8_t *sample(std::int64_t n);
  // Bytes from an operand to its neighbour along a spatial axis.
  std::ptrdiff_t step(std::size_t axis) const { return steps_[axis]; }

 private:
  void fill(std::int64_t n);

  const Operand &operand_;
  integer::PlacedView source_;
  integer::Tensor moved_;  // the source with its channels last
  Axes inside_, before_, after_;
  std::int64_t channels_;
  std::ptrdiff_t steps_[kAxes];
  bool padded_, direct_;
  integer::Tensor memory_;
};

}  // namespace halftone::onednn
