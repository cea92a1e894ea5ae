// The two OCP float8 formats in numbers, for the plain and the vector code.
#pragma once

#include <cstdint>

#include "halftone/quant.h"

namespace halftone::quant {

struct Float8Format {
  int mantissa_bits;
  int minimum_exponent;  // of the smallest normal value
  float maximum;         // largest finite value
};

inline constexpr Float8Format kE4M3FN{3, -6, 448.0F};
inline constexpr Float8Format kE5M2{2, -14, 57344.0F};

constexpr bool is_float8(std::uint32_t kind) {
  return kind == HT_QUANT_F8E4M3FN || kind == HT_QUANT_F8E5M2;
}

// For a kind that is float8.
constexpr const Float8Format &float8_format(std::uint32_t kind) {
  return kind == HT_QUANT_F8E5M2 ? kE5M2 : kE4M3FN;
}

}  // namespace halftone::quant
