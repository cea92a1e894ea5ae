#include "core/quant/arithmetic.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/quant/float8.h"
#include "core/quant/kernels.h"
#include "core/quant/rounding.h"

namespace halftone::quant {
namespace {

void check_code(std::uint32_t code, std::uint32_t last, const char *what) {
  if (code < 1 || code > last)
    fail(Status::kInvalidArgument, "unknown {} code {}; known are 1 to {}", what, code, last);
}

void check_bits(std::uint32_t bits, bool is_signed) {
  if (bits < 2 || bits > 32) fail(Status::kInvalidArgument, "{} bits; integers take 2 to 32 bits", bits);
  if (bits == 32 && !is_signed) {
    fail(Status::kInvalidArgument, "32 unsigned bits; quantized values are handed over as int32, use at most 31 bits");
  }
}

void check_integer(const ht_quant_spec &spec) {
  check_bits(spec.bits, spec.is_signed != 0);
  const std::int64_t least = spec.is_signed != 0 ? -(std::int64_t{1} << (spec.bits - 1)) : 0;
  const std::int64_t most = (std::int64_t{1} << (spec.is_signed != 0 ? spec.bits - 1 : spec.bits)) - 1;
  if (spec.quant_min >= spec.quant_max) {
    fail(Status::kInvalidArgument, "quant_min {} is not below quant_max {}", spec.quant_min, spec.quant_max);
  }
  if (spec.quant_min < least || spec.quant_max > most) {
    fail(Status::kInvalidArgument, "the range [{}, {}] does not fit {} {} bits, which hold [{}, {}]", spec.quant_min,
         spec.quant_max, spec.bits, spec.is_signed != 0 ? "signed" : "unsigned", least, most);
  }
  if (spec.symmetry == HT_SYMMETRIC && (spec.quant_min > 0 || spec.quant_max < 0)) {
    fail(Status::kInvalidArgument, "the range [{}, {}] does not contain 0, which symmetric quantization maps to 0",
         spec.quant_min, spec.quant_max);
  }
}

void check_float8(const ht_quant_spec &spec) {
  if (spec.bits != 8) fail(Status::kInvalidArgument, "float8 has 8 bits, not {}", spec.bits);
  if (spec.is_signed == 0) fail(Status::kInvalidArgument, "float8 is signed; set is_signed");
  if (spec.symmetry != HT_SYMMETRIC) fail(Status::kInvalidArgument, "float8 has no zero point; use symmetric");
  if (spec.rounding != HT_ROUND_HALF_EVEN) fail(Status::kInvalidArgument, "float8 rounds half to even only");
}

double symmetric_divisor(const ht_quant_spec &spec) {
  if (spec.kind != HT_QUANT_INTEGER) return float8_format(spec.kind).maximum;
  const double below = -static_cast<double>(spec.quant_min);
  const double above = static_cast<double>(spec.quant_max);
  if (spec.span == HT_SPAN_HALF) return (above + below) / 2;
  const double shorter = std::min(below, above);
  return shorter > 0 ? shorter : std::max(below, above);
}

// The smallest power of two that is not below x, within float.
double power_of_two_up(double x) {
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent);  // x = mantissa * 2^exponent, mantissa in [0.5, 1)
  return std::ldexp(1.0, std::min(mantissa == 0.5 ? exponent - 1 : exponent, 127));
}

}  // namespace

ht_quant_spec make_spec(std::uint32_t bits, bool is_signed, std::uint32_t symmetry) {
  check_bits(bits, is_signed);
  ht_quant_spec spec{};
  spec.struct_size = sizeof(spec);
  spec.kind = HT_QUANT_INTEGER;
  spec.bits = bits;
  spec.is_signed = is_signed ? 1 : 0;
  spec.quant_min = is_signed ? -(std::int64_t{1} << (bits - 1)) : 0;
  spec.quant_max = (std::int64_t{1} << (is_signed ? bits - 1 : bits)) - 1;
  spec.symmetry = symmetry;
  spec.granularity = HT_PER_TENSOR;
  spec.scale_form = HT_SCALE_FREE;
  spec.span = HT_SPAN_NARROW;
  spec.rounding = HT_ROUND_HALF_EVEN;
  spec.visibility = HT_EXPORT_WHEN_ACTIVE;
  check_spec(spec);
  return spec;
}

void check_spec(const ht_quant_spec &spec) {
  check_code(spec.kind, HT_QUANT_F8E5M2, "kind");
  check_code(spec.symmetry, HT_ASYMMETRIC, "symmetry");
  check_code(spec.granularity, HT_PER_BLOCK, "granularity");
  check_code(spec.scale_form, HT_SCALE_POWER_OF_TWO, "scale form");
  check_code(spec.span, HT_SPAN_HALF, "span");
  check_code(spec.rounding, HT_ROUND_DOWN, "rounding");
  check_code(spec.visibility, HT_EXPORT_NEVER, "visibility");
  if (spec.is_signed > 1) fail(Status::kInvalidArgument, "is_signed is {}; it is 0 or 1", spec.is_signed);
  if (spec.dynamic > 1) fail(Status::kInvalidArgument, "dynamic is {}; it is 0 or 1", spec.dynamic);
  if (spec.granularity != HT_PER_TENSOR && (spec.axis < 0 || static_cast<std::uint32_t>(spec.axis) >= HT_MAX_RANK)) {
    fail(Status::kInvalidArgument, "axis {}; per-channel and per-block need an axis in 0..{}", spec.axis,
         HT_MAX_RANK - 1);
  }
  if (spec.granularity == HT_PER_BLOCK && spec.block_size < 1) {
    fail(Status::kInvalidArgument, "block size {}; it must be positive", spec.block_size);
  }
  if (spec.kind == HT_QUANT_INTEGER) {
    check_integer(spec);
  } else {
    check_float8(spec);
  }
}

Scale scale_from_range(float lo, float hi, const ht_quant_spec &spec) {
  if (!std::isfinite(lo) || !std::isfinite(hi)) {
    fail(Status::kInvalidArgument, "the range [{}, {}] is not finite", lo, hi);
  }
  if (lo > hi) fail(Status::kInvalidArgument, "the range [{}, {}] is upside down", lo, hi);
  const double low = std::min(static_cast<double>(lo), 0.0);
  const double high = std::max(static_cast<double>(hi), 0.0);
  const bool symmetric = spec.symmetry == HT_SYMMETRIC;
  double scale = symmetric ? std::max(-low, high) / symmetric_divisor(spec)
                           : (high - low) / static_cast<double>(spec.quant_max - spec.quant_min);
  scale = std::max(scale, static_cast<double>(kMinScale));
  if (spec.scale_form == HT_SCALE_POWER_OF_TWO) scale = power_of_two_up(scale);
  Scale result;
  // A range of both extremes over very few codes would leave float32.
  result.scale = static_cast<float>(std::min(scale, static_cast<double>(std::numeric_limits<float>::max())));
  if (!symmetric) {
    const auto least = static_cast<double>(spec.quant_min);
    const double zero = std::nearbyint(least - low / static_cast<double>(result.scale));
    result.zero_point = static_cast<std::int32_t>(std::clamp(zero, least, static_cast<double>(spec.quant_max)));
  }
  return result;
}

float round_to(float x, std::uint32_t rounding) {
  check_code(rounding, HT_ROUND_DOWN, "rounding");
  return round_plain(x, rounding);
}

namespace {

// (q - zero_point) before it is multiplied: the clamped number of steps. T is float or, for a wide range, double.
template <typename T>
T steps(float x, float scale, std::int32_t zero_point, const ht_quantizer &quantizer) {
  const T low = static_cast<T>(quantizer.quant_min - zero_point);
  const T high = static_cast<T>(quantizer.quant_max - zero_point);
  const T rounded = round_plain(static_cast<T>(x) / static_cast<T>(scale), quantizer.rounding);
  // Comparisons that let NaN pass; adding 0 turns -0 into +0, as an integer would.
  return (rounded < low ? low : rounded > high ? high : rounded) + T(0);
}

template <typename T>
std::int32_t quantize_as(float x, float scale, std::int32_t zero_point, const ht_quantizer &quantizer) {
  const T moved = steps<T>(x, scale, zero_point, quantizer);
  if (std::isnan(moved)) return zero_point;
  return static_cast<std::int32_t>(static_cast<std::int64_t>(moved) + zero_point);
}

}  // namespace

float fake_quantize_one(float x, float scale, std::int32_t zero_point, const ht_quantizer &quantizer) {
  if (is_float8(quantizer.kind)) return decode_float8(encode_float8(x / scale, quantizer.kind), quantizer.kind) * scale;
  if (fits_float32(quantizer)) return steps<float>(x, scale, zero_point, quantizer) * scale;
  return static_cast<float>(steps<double>(x, scale, zero_point, quantizer) * static_cast<double>(scale));
}

std::int32_t quantize_one(float x, float scale, std::int32_t zero_point, const ht_quantizer &quantizer) {
  if (is_float8(quantizer.kind)) return encode_float8(x / scale, quantizer.kind);
  return fits_float32(quantizer) ? quantize_as<float>(x, scale, zero_point, quantizer)
                                 : quantize_as<double>(x, scale, zero_point, quantizer);
}

float dequantize_one(std::int32_t q, float scale, std::int32_t zero_point, const ht_quantizer &quantizer) {
  if (is_float8(quantizer.kind)) return decode_float8(static_cast<std::uint8_t>(q), quantizer.kind) * scale;
  const std::int64_t difference = std::int64_t{q} - zero_point;
  if (fits_float32(quantizer)) return static_cast<float>(difference) * scale;
  return static_cast<float>(static_cast<double>(difference) * static_cast<double>(scale));
}

}  // namespace halftone::quant
