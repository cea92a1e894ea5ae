#include "core/model/narrow_float.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace halftone::model {
namespace {

// Value of a sign-exponent-mantissa format without regard to its special values: every one of them fits a float.
float widen(std::uint32_t bits, int exponent_bits, int mantissa_bits, int bias) {
  const std::uint32_t mantissa = bits & ((1U << mantissa_bits) - 1U);
  const std::uint32_t exponent = (bits >> mantissa_bits) & ((1U << exponent_bits) - 1U);
  const bool negative = ((bits >> (mantissa_bits + exponent_bits)) & 1U) != 0;
  const std::uint32_t significand = exponent == 0 ? mantissa : (mantissa | (1U << mantissa_bits));
  const int power = (exponent == 0 ? 1 : static_cast<int>(exponent)) - bias - mantissa_bits;
  const float magnitude = std::ldexp(static_cast<float>(significand), power);
  return negative ? -magnitude : magnitude;
}

float infinity_or_nan(bool negative, bool nan) {
  if (nan) return std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  return negative ? -infinity : infinity;
}

}  // namespace

float float_from_f16(std::uint16_t bits) {
  if ((bits & 0x7C00U) == 0x7C00U) return infinity_or_nan((bits & 0x8000U) != 0, (bits & 0x3FFU) != 0);
  return widen(bits, 5, 10, 15);
}

float float_from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float float_from_f8e4m3fn(std::uint8_t bits) {
  if ((bits & 0x7FU) == 0x7FU) return std::numeric_limits<float>::quiet_NaN();
  return widen(bits, 4, 3, 7);
}

float float_from_f8e5m2(std::uint8_t bits) {
  if ((bits & 0x7CU) == 0x7CU) return infinity_or_nan((bits & 0x80U) != 0, (bits & 3U) != 0);
  return widen(bits, 5, 2, 15);
}

float float_from_f8e4m3fnuz(std::uint8_t bits) {
  return bits == 0x80U ? std::numeric_limits<float>::quiet_NaN() : widen(bits, 4, 3, 8);
}

float float_from_f8e5m2fnuz(std::uint8_t bits) {
  return bits == 0x80U ? std::numeric_limits<float>::quiet_NaN() : widen(bits, 5, 2, 16);
}

float float_from_f8e8m0(std::uint8_t bits) {
  if (bits == 0xFFU) return std::numeric_limits<float>::quiet_NaN();
  return std::ldexp(1.0F, static_cast<int>(bits) - 127);
}

float float_from_f4e2m1(std::uint8_t bits) {
  return widen(bits & 0xFU, 2, 1, 1);
}

std::uint16_t f16_from_float(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7E00U);
  const float magnitude = std::fabs(value);
  if (magnitude >= 65520.0F) return static_cast<std::uint16_t>(sign | 0x7C00U);  // rounds beyond the largest, 65504
  // Count in steps of the last place at this exponent, never below that of subnormals; nearbyint ties to even.
  const int exponent = magnitude == 0.0F ? -14 : std::max(std::ilogb(magnitude), -14);
  const auto steps = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  // A subnormal has fewer than 1024 steps and exponent field 0; a carry out of the mantissa moves to the next exponent.
  const std::uint32_t field = (static_cast<std::uint32_t>(exponent + 14) << 10) + steps;
  return static_cast<std::uint16_t>(sign | field);
}

std::uint16_t bf16_from_float(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace halftone::model
