// Quantized elements: integers of 4 to 32 bits and float8, loaded and stored as numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/types.h"

namespace halftone::reference {

struct Int4 {};
struct UInt4 {};
template <>
inline constexpr ht_dtype kDtype<Int4> = HT_I4;
template <>
inline constexpr ht_dtype kDtype<UInt4> = HT_U4;

using CodeTypes = Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, Int4, UInt4, Float8E4M3FN,
                        Float8E5M2, Float8E4M3FNUZ, Float8E5M2FNUZ>;

template <typename T>
inline constexpr bool kIsPacked = std::is_same_v<T, Int4> || std::is_same_v<T, UInt4>;
template <typename T>
inline constexpr bool kIsOneZero = std::is_same_v<T, Float8E4M3FNUZ> || std::is_same_v<T, Float8E5M2FNUZ>;
template <typename T>
inline constexpr bool kIsFloat8 = std::is_same_v<T, Float8E4M3FN> || std::is_same_v<T, Float8E5M2> || kIsOneZero<T>;

template <typename T>
double load_code(const void *data, std::int64_t i) {
  if constexpr (kIsPacked<T>) {
    const int byte = static_cast<const std::uint8_t *>(data)[i / 2];
    const int nibble = i % 2 == 0 ? byte & 15 : byte >> 4;
    return std::is_same_v<T, Int4> && nibble > 7 ? nibble - 16 : nibble;
  } else {
    return static_cast<double>(static_cast<const T *>(data)[i]);
  }
}

// A float8 number; without saturation what is beyond the greatest becomes NaN, or infinity where the format has one.
// Source: ONNX's Cast and QuantizeLinear, opset 19.
template <typename T>
T float8_of(double value, bool saturate) {
  T out(value);
  if constexpr (kIsOneZero<T>) {
    // Halfway between the greatest and the next power of two is rounded up to it: 248 and 61440.
    const double limit = std::is_same_v<T, Float8E4M3FNUZ> ? 248 : 61440;
    if (!saturate && std::fabs(value) >= limit) out.bits = T::kNan;
    return out;
  }
  constexpr bool kHasInfinity = std::is_same_v<T, Float8E5M2>;
  // The numbers from which on rounding to the nearest leaves the format: 464 goes down to 448, 61440 up.
  const bool beyond = kHasInfinity ? std::fabs(value) >= 61440 : std::fabs(value) > 464;
  if (!saturate && beyond) out.bits = static_cast<std::uint8_t>((out.bits & 0x80) | (kHasInfinity ? 0x7C : 0x7F));
  return out;
}

// Stores an integral value, clamped; for float8 any value, rounded.
template <typename T>
void store_code(void *data, std::int64_t i, double value) {
  if constexpr (kIsPacked<T>) {
    const double low = std::is_same_v<T, Int4> ? -8 : 0;
    const int nibble = static_cast<int>(std::clamp(value, low, low + 15)) & 15;
    std::uint8_t &byte = static_cast<std::uint8_t *>(data)[i / 2];
    byte = static_cast<std::uint8_t>(i % 2 == 0 ? nibble : byte | nibble << 4);  // in ascending order
  } else if constexpr (kIsFloat8<T>) {
    static_cast<T *>(data)[i] = T(value);
  } else {
    const double low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
    static_cast<T *>(data)[i] = static_cast<T>(value != value ? 0.0 : std::clamp(value, low, high));
  }
}

}  // namespace halftone::reference
