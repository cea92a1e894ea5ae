#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "core/base/error.h"
#include "core/quant/arithmetic.h"

namespace halftone::quant {
namespace {

struct Format {
  std::uint32_t kind;
  int exponent_bits, mantissa_bits, bias;
};
constexpr Format kFormats[] = {{HT_QUANT_F8E4M3FN, 4, 3, 7}, {HT_QUANT_F8E5M2, 5, 2, 15}};

// The value of a finite code by the OCP text: (-1)^s * 2^(e - bias) * 1.m, or 2^(1 - bias) * 0.m.
double value_of(int code, const Format &format) {
  const int e = (code >> format.mantissa_bits) & ((1 << format.exponent_bits) - 1);
  const int m = code & ((1 << format.mantissa_bits) - 1);
  const double fraction = m / static_cast<double>(1 << format.mantissa_bits);
  const double size = e == 0 ? std::exp2(1 - format.bias) * fraction : std::exp2(e - format.bias) * (1 + fraction);
  return (code & 0x80) != 0 ? -size : size;
}

int last_finite(const Format &format) {
  return format.kind == HT_QUANT_F8E4M3FN ? 0x7E : 0x7B;
}

// The nearest finite code by exhaustive search; a tie goes to the even code. Larger values than the format's are
// brought near first, as the distances of a huge value to all codes are equal in double.
int nearest_code(float x, const Format &format) {
  const auto limit = static_cast<float>(value_of(last_finite(format), format) * 2);
  x = std::fmax(-limit, std::fmin(limit, x));
  int best = 0;
  for (int code = 0; code <= last_finite(format); ++code) {
    const double distance = std::fabs(std::fabs(static_cast<double>(x)) - value_of(code, format));
    const double least = std::fabs(std::fabs(static_cast<double>(x)) - value_of(best, format));
    if (distance < least || (distance == least && code % 2 == 0)) best = code;
  }
  return best | (std::signbit(x) ? 0x80 : 0);
}

TEST_CASE("decoding follows the format for all 256 codes, and encoding returns the code") {
  for (const Format &format : kFormats) {
    for (int code = 0; code < 256; ++code) {
      const float value = decode_float8(static_cast<std::uint8_t>(code), format.kind);
      CAPTURE(format.kind);
      CAPTURE(code);
      const int size = code & 0x7F;
      CHECK(std::signbit(value) == (code >= 0x80));
      if (size <= last_finite(format)) {
        CHECK(static_cast<double>(value) == value_of(code, format));
        CHECK(encode_float8(value, format.kind) == code);
      } else if (format.kind == HT_QUANT_F8E5M2 && size == 0x7C) {
        CHECK(std::isinf(value));
        CHECK((encode_float8(value, format.kind) & 0x7F) == last_finite(format));
      } else {
        CHECK(std::isnan(value));
        CHECK(std::isnan(decode_float8(encode_float8(value, format.kind), format.kind)));
      }
    }
  }
}

TEST_CASE("encoding is nearest, ties to even, next to every tie and every code") {
  for (const Format &format : kFormats) {
    for (int code = 0; code <= last_finite(format); ++code) {
      const auto here = static_cast<float>(value_of(code, format));
      const float above = code == last_finite(format) ? here * 1.125F : static_cast<float>(value_of(code + 1, format));
      const float tie = here + (above - here) / 2;
      for (const float centre : {here, tie}) {
        for (const float x : {std::nextafter(centre, 0.0F), centre, std::nextafter(centre, INFINITY)}) {
          CAPTURE(x);
          CHECK(encode_float8(x, format.kind) == nearest_code(x, format));
          CHECK(encode_float8(-x, format.kind) == nearest_code(-x, format));
        }
      }
    }
  }
}

TEST_CASE("encoding is nearest for floats of every size") {
  std::mt19937 random(7);
  for (const Format &format : kFormats) {
    int wrong = 0;
    for (int i = 0; i < 20000; ++i) {
      const float x = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
      if (!std::isfinite(x) || x == 0) continue;
      if (encode_float8(x, format.kind) != nearest_code(x, format)) ++wrong;
      const float near = std::ldexp(x, -std::ilogb(x) + static_cast<int>(random() % 40) - 22);  // within the format
      if (encode_float8(near, format.kind) != nearest_code(near, format)) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("beyond the largest value it saturates") {
  for (const Format &format : kFormats) {
    for (const float x : {float8_maximum(format.kind) * 1.5F, std::numeric_limits<float>::max(), INFINITY}) {
      CHECK(decode_float8(encode_float8(x, format.kind), format.kind) == float8_maximum(format.kind));
      CHECK(decode_float8(encode_float8(-x, format.kind), format.kind) == -float8_maximum(format.kind));
    }
  }
  CHECK(float8_maximum(HT_QUANT_F8E4M3FN) == 448.0F);
  CHECK(float8_maximum(HT_QUANT_F8E5M2) == 57344.0F);
}

TEST_CASE("integers are not float8") {
  CHECK_THROWS_AS(encode_float8(1.0F, HT_QUANT_INTEGER), Error);
  CHECK_THROWS_AS(decode_float8(1, HT_QUANT_INTEGER), Error);
}

}  // namespace
}  // namespace halftone::quant
