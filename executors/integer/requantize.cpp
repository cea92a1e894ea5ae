#include "requantize.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace halftone::integer {

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max(),
                       kLeast = std::numeric_limits<std::int32_t>::min();

std::int64_t saturated(Int128 value) {
  return static_cast<std::int64_t>(std::clamp<Int128>(value, kLeast, kMost));
}

}  // namespace

Multiplier multiplier_named(std::string_view name) {
  if (name == "float64") return Multiplier::kFloat64;
  if (name == "fixed-point") return Multiplier::kFixedPoint;
  if (name == "gemmlowp") return Multiplier::kGemmlowp;
  return Multiplier::kFloat32;
}

double round_by(double x, std::uint32_t rounding) {
  const double below = std::floor(x), rest = x - below;  // exact wherever a half is in reach
  switch (rounding) {
    case HT_ROUND_HALF_UP:
      return rest >= 0.5 ? below + 1 : below;
    case HT_ROUND_HALF_DOWN:
      return rest > 0.5 ? below + 1 : below;
    case HT_ROUND_HALF_TOWARD_ZERO:
      return rest > 0.5 || (rest == 0.5 && x < 0) ? below + 1 : below;
    case HT_ROUND_HALF_AWAY_FROM_ZERO:
      return rest > 0.5 || (rest == 0.5 && x > 0) ? below + 1 : below;
    case HT_ROUND_UP:
      return std::ceil(x);
    case HT_ROUND_DOWN:
      return below;
    default:
      return std::nearbyint(x);
  }
}

std::int64_t shift_by(Int128 value, int shift, std::uint32_t rounding) {
  if (shift == 0) return saturated(value);
  const Int128 below = value >> shift, rest = value - (below << shift), half = static_cast<Int128>(1) << (shift - 1);
  bool up = rest > half;
  if (rest == half) {
    up = rounding == HT_ROUND_HALF_UP || (rounding == HT_ROUND_HALF_EVEN && (below & 1) != 0) ||
         (rounding == HT_ROUND_HALF_TOWARD_ZERO && value < 0) ||
         (rounding == HT_ROUND_HALF_AWAY_FROM_ZERO && value > 0);
  }
  if (rounding == HT_ROUND_UP) up = rest != 0;
  if (rounding == HT_ROUND_DOWN) up = false;
  return saturated(below + (up ? 1 : 0));
}

FixedPoint::FixedPoint(double real) {
  m = std::llround(std::frexp(real, &exponent) * 2147483648.0);
  if (m == std::int64_t{1} << 31) {
    m /= 2;
    ++exponent;
  }
}

std::int64_t FixedPoint::times(std::int64_t value, std::uint32_t rounding) const {
  const Int128 product = static_cast<Int128>(value) * m;
  const int shift = 31 - exponent;
  if (shift >= 0) return shift_by(product, std::min(shift, 120), rounding);
  return saturated(-shift > 32 ? (product > 0 ? kMost : product < 0 ? kLeast : 0) : product * (Int128{1} << -shift));
}

std::int64_t FixedPoint::times_gemmlowp(std::int64_t value) const {
  const int left = std::max(exponent, 0), right = std::max(-exponent, 0);
  if (right > 31) return 0;  // below half of a unit
  const std::int64_t shifted = saturated(static_cast<Int128>(value) * (Int128{1} << std::min(left, 32)));
  const std::int64_t product = shifted * m;
  const std::int64_t nudge = product >= 0 ? std::int64_t{1} << 30 : 1 - (std::int64_t{1} << 30);
  const std::int64_t high = saturated((product + nudge) / (std::int64_t{1} << 31));  // toward zero
  const std::int64_t mask = (std::int64_t{1} << right) - 1, rest = high & mask;
  return (high >> right) + (rest > (mask >> 1) + (high < 0 ? 1 : 0) ? 1 : 0);
}

Requantizer::Requantizer(Multiplier form, std::vector<double> reals, std::vector<double> offsets, const Format &to,
                         Limits limits)
    : form_(form),
      reals_(std::move(reals)),
      offsets_(std::move(offsets)),
      rounding_(to.rounding),
      zero_(to.zero),
      limits_(limits) {
  for (const double real : reals_) {
    float_reals_.push_back(static_cast<float>(real));
    fixed_.emplace_back(real);
  }
  for (const double offset : offsets_) float_offsets_.push_back(static_cast<float>(offset));
}

std::int32_t Requantizer::to_code(double rounded) const {
  // Clamped before it becomes an integer: products may be beyond every integer type.
  return zero_ + static_cast<std::int32_t>(std::clamp(rounded, static_cast<double>(limits_.low) - zero_,
                                                      static_cast<double>(limits_.high) - zero_));
}

std::int32_t Requantizer::operator()(std::int64_t sum, std::size_t channel) const {
  const std::size_t k = reals_.size() == 1 ? 0 : channel;
  switch (form_) {
    case Multiplier::kFloat32: {
      float product = static_cast<float>(sum) * float_reals_[k];
      if (!float_offsets_.empty()) product += float_offsets_[channel];
      return to_code(round_by(product, rounding_));
    }
    case Multiplier::kFloat64: {
      const double product = static_cast<double>(sum) * reals_[k];
      return to_code(round_by(offsets_.empty() ? product : product + offsets_[channel], rounding_));
    }
    case Multiplier::kFixedPoint:
      return to_code(static_cast<double>(fixed_[k].times(sum, rounding_)));
    default:
      return to_code(static_cast<double>(fixed_[k].times_gemmlowp(sum)));
  }
}

std::int32_t Requantizer::of_mean(double mean) const {
  switch (form_) {
    case Multiplier::kFloat32:
      return to_code(round_by(static_cast<float>(mean) * float_reals_[0], rounding_));
    case Multiplier::kFloat64:
      return to_code(round_by(mean * reals_[0], rounding_));
    default:
      return (*this)(static_cast<std::int64_t>(round_by(mean, HT_ROUND_HALF_AWAY_FROM_ZERO)), 0);
  }
}

}  // namespace halftone::integer
