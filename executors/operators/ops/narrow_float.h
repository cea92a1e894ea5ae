// Floats narrower than 32 bits as element types: storage with conversions to and from float, round to nearest even.
#pragma once

#include <bit>
#include <cmath>
#include <compare>
#include <cstdint>
#include <type_traits>

namespace halftone::reference {

// IEEE-like format with `E` exponent and `M` mantissa bits. kInfinity tells whether the format has infinities; where it
// has none, conversion saturates (as ONNX's Cast does by default for float8).
template <typename Storage, int E, int M, bool kSaturate, bool kFinite>
struct NarrowFloat {
  Storage bits = 0;
  static constexpr int kBias = (1 << (E - 1)) - 1;

  NarrowFloat() = default;
  explicit NarrowFloat(double value) : bits(encode(value)) {}
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  explicit operator Number() const { return static_cast<Number>(decode()); }

  // Arithmetic in double, rounded once: sums, products and quotients of two such numbers come out correctly rounded.
  friend NarrowFloat operator+(NarrowFloat a, NarrowFloat b) { return NarrowFloat(a.decode() + b.decode()); }
  friend NarrowFloat operator-(NarrowFloat a, NarrowFloat b) { return NarrowFloat(a.decode() - b.decode()); }
  friend NarrowFloat operator*(NarrowFloat a, NarrowFloat b) { return NarrowFloat(a.decode() * b.decode()); }
  friend NarrowFloat operator/(NarrowFloat a, NarrowFloat b) { return NarrowFloat(a.decode() / b.decode()); }
  friend NarrowFloat operator-(NarrowFloat a) { return NarrowFloat(-a.decode()); }
  friend bool operator==(NarrowFloat a, NarrowFloat b) { return a.decode() == b.decode(); }
  friend std::partial_ordering operator<=>(NarrowFloat a, NarrowFloat b) { return a.decode() <=> b.decode(); }

  double decode() const {
    const int exponent = (bits >> M) & ((1 << E) - 1);
    const int mantissa = bits & ((1 << M) - 1);
    const double sign = (bits >> (E + M)) & 1 ? -1.0 : 1.0;
    if (!kFinite && exponent == (1 << E) - 1) return mantissa == 0 ? sign * HUGE_VAL : std::nan("");
    if (kFinite && exponent == (1 << E) - 1 && mantissa == (1 << M) - 1) return std::nan("");
    if (exponent == 0) return sign * std::ldexp(mantissa, 1 - kBias - M);
    return sign * std::ldexp(mantissa + (1 << M), exponent - kBias - M);
  }

 private:
  static constexpr int kTop = kFinite ? (((1 << E) - 1) << M) + (1 << M) - 2 : (((1 << E) - 1) << M) - 1;
  static Storage encode(double value) {
    const int sign = (std::signbit(value) ? 1 : 0) << (E + M);
    if (std::isnan(value)) return static_cast<Storage>(sign | (kFinite ? kTop + 1 : kTop + 1 + (1 << (M - 1))));
    const double magnitude = std::fabs(value);
    int code = 0;
    if (std::isinf(magnitude)) {
      code = kTop + 1;
    } else if (magnitude > 0) {
      int exponent = 0;
      std::frexp(magnitude, &exponent);  // magnitude = f * 2^exponent, f in [0.5, 1)
      const int scale = exponent - 1 < 1 - kBias ? 1 - kBias : exponent - 1;
      // Units of the last mantissa bit; rounding up carries into the exponent by itself.
      const double units = std::nearbyint(std::ldexp(magnitude, M - scale));
      const double wide = units + std::ldexp(scale + kBias - 1, M);
      code = wide > kTop ? kTop + 1 : static_cast<int>(wide);
    }
    if (code > kTop) code = kSaturate ? kTop : kTop + 1;
    return static_cast<Storage>(sign | code);
  }
};

// A float8 format with one zero and no infinity; its only NaN is the code of what would be -0, and the exponent's bias
// is one more. Overflow saturates. Source: "8-bit Numerical Formats for Deep Neural Networks" (arXiv 2206.02915) and
// ONNX's page on float8.
template <int E, int M>
struct OneZeroFloat8 {
  std::uint8_t bits = 0;
  static constexpr int kBias = 1 << (E - 1), kTop = 0x7F, kNan = 0x80;

  OneZeroFloat8() = default;
  explicit OneZeroFloat8(double value) : bits(encode(value)) {}
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  explicit operator Number() const { return static_cast<Number>(decode()); }

  double decode() const {
    if (bits == kNan) return std::nan("");
    const int exponent = (bits >> M) & ((1 << E) - 1), mantissa = bits & ((1 << M) - 1);
    const double sign = bits >> 7 ? -1.0 : 1.0;
    if (exponent == 0) return sign * std::ldexp(mantissa, 1 - kBias - M);
    return sign * std::ldexp(mantissa + (1 << M), exponent - kBias - M);
  }

 private:
  static std::uint8_t encode(double value) {
    if (std::isnan(value)) return kNan;
    const double magnitude = std::fabs(value);
    int code = magnitude > 0 ? kTop : 0;
    if (magnitude > 0 && !std::isinf(magnitude)) {
      int exponent = 0;
      std::frexp(magnitude, &exponent);
      const int scale = exponent - 1 < 1 - kBias ? 1 - kBias : exponent - 1;
      const double wide = std::nearbyint(std::ldexp(magnitude, M - scale)) + std::ldexp(scale + kBias - 1, M);
      code = wide > kTop ? kTop : static_cast<int>(wide);
    }
    return static_cast<std::uint8_t>(code != 0 && std::signbit(value) ? code | 0x80 : code);
  }
};

using Float16 = NarrowFloat<std::uint16_t, 5, 10, false, false>;
using BFloat16 = NarrowFloat<std::uint16_t, 8, 7, false, false>;
using Float8E4M3FN = NarrowFloat<std::uint8_t, 4, 3, true, true>;
using Float8E5M2 = NarrowFloat<std::uint8_t, 5, 2, true, false>;
using Float8E4M3FNUZ = OneZeroFloat8<4, 3>;
using Float8E5M2FNUZ = OneZeroFloat8<5, 2>;

}  // namespace halftone::reference
