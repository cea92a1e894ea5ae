// The stored operand of a sum of products: small while nobody needs it, wide for the kernels that sum in float64.
#pragma once

#include <mutex>

#include "tensor.h"

namespace halftone::integer {

// Entries are code - zero. While a plan is built they are int32, for whoever packs a copy of its own; settle() then
// keeps them in the fewest bytes that hold them, which is one for most weights of 8 bits.
class StoredOperand {
 public:
  explicit StoredOperand(Tensor codes) : codes_(std::move(codes)) {}

  const Shape &shape() const { return codes_.shape(); }
  // Bytes that it holds so far.
  std::uint64_t kept() const { return codes_.bytes() + (wide_.empty() ? 0 : wide_.bytes()); }
  std::int64_t count() const { return codes_.count(); }
  // Null after settle().
  const std::int32_t *codes() const {
    return codes_.dtype() == HT_I32 && !settled_ ? codes_.data<std::int32_t>() : nullptr;
  }
  void settle();
  // Float64, made by the first caller; several threads may call at once, after settle(). Stays valid with this object.
  const Tensor &wide() const;

 private:
  Tensor codes_;
  bool settled_ = false;
  mutable std::once_flag made_;
  mutable Tensor wide_;
};

// Float64 of the int8, int16 or int32 that `from` holds.
Tensor widened(const Tensor &from);

}  // namespace halftone::integer
