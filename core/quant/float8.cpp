#include "core/quant/float8.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/quant/arithmetic.h"

namespace halftone::quant {
namespace {

constexpr std::uint8_t kSign = 0x80;
constexpr std::uint8_t kNan = 0x7F;

const Float8Format &checked_format(std::uint32_t kind) {
  if (!is_float8(kind)) fail(Status::kInvalidArgument, "quantization kind {} is not a float8 format", kind);
  return float8_format(kind);
}

}  // namespace

std::uint8_t encode_float8(float x, std::uint32_t kind) {
  const Float8Format &format = checked_format(kind);
  const std::uint8_t sign = std::signbit(x) ? kSign : 0;
  if (std::isnan(x)) return sign | kNan;
  const float size = std::min(std::fabs(x), format.maximum);
  if (size == 0) return sign;
  // The value in units of its binade's last place. Rounding up into the next binade gives 2^(mantissa_bits + 1) units,
  // and the sum below carries it into the exponent field by itself; subnormals have exponent field 0 the same way.
  const int exponent = std::max(std::ilogb(size), format.minimum_exponent);
  const int units = static_cast<int>(std::nearbyint(std::ldexp(size, format.mantissa_bits - exponent)));
  return static_cast<std::uint8_t>(sign | (((exponent - format.minimum_exponent) << format.mantissa_bits) + units));
}

float decode_float8(std::uint8_t code, std::uint32_t kind) {
  const Float8Format &format = checked_format(kind);
  const int size = code & 0x7F;
  const int mantissa = size & ((1 << format.mantissa_bits) - 1);
  const int field = size >> format.mantissa_bits;
  float value = 0;
  if (kind == HT_QUANT_F8E4M3FN && size == kNan) {
    value = std::numeric_limits<float>::quiet_NaN();
  } else if (kind == HT_QUANT_F8E5M2 && field == 31) {
    value = mantissa == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else {
    const int units = field == 0 ? mantissa : mantissa + (1 << format.mantissa_bits);
    value =
        std::ldexp(static_cast<float>(units), std::max(field, 1) - 1 + format.minimum_exponent - format.mantissa_bits);
  }
  return (code & kSign) != 0 ? -value : value;
}

float float8_maximum(std::uint32_t kind) {
  return checked_format(kind).maximum;
}

}  // namespace halftone::quant
