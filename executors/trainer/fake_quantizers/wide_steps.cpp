#include "wide_steps.h"

#include <algorithm>
#include <cmath>

namespace halftone::trainer {
namespace {

struct Float8 {
  int mantissa_bits, least_exponent;
  double most;
};

Float8 float8(std::uint32_t kind) {
  return kind == HT_QUANT_F8E4M3FN ? Float8{3, -6, 448.0} : Float8{2, -14, 57344.0};
}

// Values counted in steps from zero, and their limits.
struct Codes {
  double v, r, low, high;
};

Codes codes_of(const PointSpec &spec, float x, float scale, float zero) {
  if (spec.kind != HT_QUANT_INTEGER) {
    const double v = static_cast<double>(x / scale), most = float8(spec.kind).most;
    return {v, rounded_float8(v, spec.kind), -most, most};
  }
  const double v = static_cast<double>(x) / static_cast<double>(scale);
  const double low = static_cast<double>(spec.quant_min) - static_cast<double>(zero);
  return {v, rounded(v, spec.rounding), low, static_cast<double>(spec.quant_max) - static_cast<double>(zero)};
}

template <class Visit>
void each(Grouping g, const Visit &visit) {
  std::size_t at = 0;
  for (std::size_t o = 0; o < g.outer; ++o) {
    for (std::size_t group = 0; group < g.groups; ++group) {
      for (std::size_t i = 0; i < g.inner; ++i) visit(at++, group);
    }
  }
}

}  // namespace

bool fits_float32(const PointSpec &spec) {
  constexpr std::int64_t kExact = std::int64_t{1} << 24;
  return spec.quant_min >= -kExact && spec.quant_max <= kExact && spec.quant_max - spec.quant_min <= kExact;
}

double rounded(double x, std::uint32_t rounding) {
  const double below = std::floor(x), above = std::ceil(x), size = std::fabs(x), whole = std::floor(size);
  switch (rounding) {
    case HT_ROUND_HALF_UP:
      return x - below >= 0.5 ? below + 1 : below;
    case HT_ROUND_HALF_DOWN:
      return above - x >= 0.5 ? above - 1 : above;
    case HT_ROUND_HALF_TOWARD_ZERO:
      return std::copysign(size - whole > 0.5 ? whole + 1 : whole, x);
    case HT_ROUND_HALF_AWAY_FROM_ZERO:
      return std::copysign(size - whole >= 0.5 ? whole + 1 : whole, x);
    case HT_ROUND_UP:
      return above;
    case HT_ROUND_DOWN:
      return below;
    default:
      return std::nearbyint(x);
  }
}

double rounded_float8(double x, std::uint32_t kind) {
  if (!std::isfinite(x) || x == 0) return x;
  const Float8 format = float8(kind);
  const int exponent = std::max(std::ilogb(x), format.least_exponent);
  const double place = std::ldexp(1.0, exponent - format.mantissa_bits);
  return std::nearbyint(x / place) * place;
}

void wide_forward(const PointSpec &spec, const float *scales, const float *zeros, Grouping grouping, const float *x,
                  float *y) {
  const bool integer = spec.kind == HT_QUANT_INTEGER;
  each(grouping, [&](std::size_t i, std::size_t group) {
    const Codes c = codes_of(spec, x[i], scales[group], integer ? zeros[group] : 0.0F);
    const double code = c.r < c.low ? c.low : c.r > c.high ? c.high : c.r;  // NaN stays
    y[i] = static_cast<float>((integer ? code + 0.0 : code) * static_cast<double>(scales[group]));
  });
}

void wide_backward(const PointSpec &spec, const float *scales, const float *zeros, Grouping grouping, const float *x,
                   const float *dy, const StepGradient &wanted) {
  const bool integer = spec.kind == HT_QUANT_INTEGER;
  const bool by_code = wanted.bounds == Bounds::kCode && integer;
  std::vector<double> of_scale(grouping.groups), of_offset(grouping.groups);
  each(grouping, [&](std::size_t i, std::size_t group) {
    const Codes c = codes_of(spec, x[i], scales[group], integer ? zeros[group] : 0.0F);
    const double judged = by_code ? c.r : c.v;
    const bool strict = by_code || !integer;
    const bool below = strict ? judged < c.low : judged <= c.low, above = strict ? judged > c.high : judged >= c.high;
    const double g = static_cast<double>(dy[i]);
    of_scale[group] += g * (below ? c.low : above ? c.high : wanted.counts_error ? c.r - c.v : 0.0);
    if (below || above) of_offset[group] += g;
    if (wanted.dx != nullptr) wanted.dx[i] = below || above ? 0.0F : dy[i];
  });
  for (std::size_t group = 0; group < grouping.groups; ++group) {
    if (wanted.scales != nullptr) wanted.scales[group] += of_scale[group];
    if (wanted.offsets != nullptr) wanted.offsets[group] -= of_offset[group] * static_cast<double>(scales[group]);
  }
}

}  // namespace halftone::trainer
