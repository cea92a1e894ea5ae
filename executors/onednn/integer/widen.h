// Codes as the operands of dot(): words that are differences from the zero point, or unsigned bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "integer/format.h"

namespace halftone::onednn {

// to[i] = from[i] - zero.
void widen_codes(const std::uint8_t *from, bool is_signed, std::int32_t zero, std::int16_t *to, std::size_t count);

// to[i] = from[i] + 128: signed bytes as unsigned ones.
void lift_codes(const std::uint8_t *from, std::uint8_t *to, std::size_t count);

// sums[i] += codes[i].
void add_codes(const std::uint8_t *codes, bool is_signed, std::int32_t *sums, std::size_t count);

// Maps `count` codes from element `first` on.
struct Operand {
  integer::Format format;
  bool bytes = false;

  std::size_t width() const { return bytes ? 1 : 2; }
  // What the zero point is among the bytes, and what they are shifted by; words have neither.
  std::int32_t byte_zero() const { return format.zero + (format.dtype == HT_I8 ? 128 : 0); }
  void map(const ht_tensor_view &codes, std::int64_t first, std::int64_t count, std::uint8_t *to) const;
  // Elements that stand for zero.
  void zeros(std::uint8_t *to, std::size_t count) const;
};

}  // namespace halftone::onednn
