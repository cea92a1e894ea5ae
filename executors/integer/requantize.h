// From an exact integer sum to a code: the multiplier as the platform has it, the rounding as the config has it.
//
// real = scale of one unit of the sum / scale of the output. code = clamp(round(sum * real) + zero, low, high).
// - kFloat32: real is computed in float32, and so is float32(sum) * real, as ONNX Runtime does.
// - kFloat64: the product in float64.
// - kFixedPoint: real = m * 2^(e - 31), m of 31 bits, nearest; sum * m is exact in 64 bits and shifted with one
//   rounding, the config's.
// - kGemmlowp: the same m; SaturatingRoundingDoublingHighMul, then RoundingDivideByPOT (Jacob et al. 2018,
//   "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", and the gemmlowp
//   library's documentation): two roundings, halves away from zero, whatever the config says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "format.h"

namespace halftone::integer {

__extension__ typedef __int128 Int128;

enum class Multiplier { kFloat32, kFloat64, kFixedPoint, kGemmlowp };
// "float32", "float64", "fixed-point", "gemmlowp".
Multiplier multiplier_named(std::string_view name);
inline bool is_fixed(Multiplier form) {
  return form == Multiplier::kFixedPoint || form == Multiplier::kGemmlowp;
}

// round(x) by HT_ROUND_*, exact for every double.
double round_by(double x, std::uint32_t rounding);

// value / 2^shift by HT_ROUND_*, for shift in 0..126.
std::int64_t shift_by(Int128 value, int shift, std::uint32_t rounding);

// A positive real as m * 2^(exponent - 31), m in [2^30, 2^31).
struct FixedPoint {
  explicit FixedPoint(double real);
  std::int64_t m = 0;
  int exponent = 0;
  // round(value * real); saturates beyond 32 bits.
  std::int64_t times(std::int64_t value, std::uint32_t rounding) const;
  std::int64_t times_gemmlowp(std::int64_t value) const;
};

// Codes that an activation behind the sum leaves, within those of the format.
struct Limits {
  std::int32_t low, high;
};

class Requantizer {
 public:
  // `reals`: one, or one for each channel. `offsets`: added after the multiplication, in units of the output, none or
  // one for each channel; only where the multiplier is a float.
  Requantizer(Multiplier form, std::vector<double> reals, std::vector<double> offsets, const Format &to, Limits limits);

  std::int32_t operator()(std::int64_t sum, std::size_t channel) const;
  // The product before it is rounded is a mean here and no sum: float forms round it as they do a sum; fixed-point
  // forms round it to the unit of the sum first, halves away from zero.
  std::int32_t of_mean(double mean) const;

  Multiplier form() const { return form_; }
  std::uint32_t rounding() const { return rounding_; }
  std::span<const float> multipliers() const { return float_reals_; }
  std::span<const float> offsets() const { return float_offsets_; }
  std::int32_t zero() const { return zero_; }
  Limits limits() const { return limits_; }

 private:
  std::int32_t to_code(double rounded) const;
  Multiplier form_;
  std::vector<double> reals_, offsets_;
  std::vector<float> float_reals_, float_offsets_;
  std::vector<FixedPoint> fixed_;
  std::uint32_t rounding_;
  std::int32_t zero_;
  Limits limits_;
};

}  // namespace halftone::integer
