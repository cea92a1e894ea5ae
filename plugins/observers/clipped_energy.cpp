#include "clipped_energy.h"

#include <algorithm>

namespace halftone::observers {
namespace {

constexpr int kHalvings = 40;

// The integral of (x - at)^2 over [from, to].
double squares(double from, double to, double at) {
  const double a = from - at, b = to - at;
  return (b * b * b - a * a * a) / 3;
}

template <typename RangeOf>
double bisect(const Distribution &distribution, ClippingLimit limit, const RangeOf &range_of) {
  const auto allowed = [&](double factor) {
    const Clipped clipped = clipped_by(distribution, range_of(factor));
    return clipped.energy <= limit.energy || clipped.values <= limit.values;
  };
  double low = 0, high = 1;
  if (allowed(low)) return low;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (allowed(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace

Clipped clipped_by(const Distribution &distribution, Range range) {
  double all_energy = 0, all_values = static_cast<double>(distribution.zeros);
  Clipped cut;
  for (std::size_t i = 0; i < distribution.counts.size(); ++i) {
    if (distribution.counts[i] == 0) continue;
    const auto count = static_cast<double>(distribution.counts[i]);
    const double l = distribution.lower(i), u = distribution.upper(i);
    all_values += count;
    if (u <= l) {  // all values of the bin are one
      const double out = l - std::clamp(l, range.low, range.high);
      all_energy += count * l * l;
      cut.energy += count * out * out;
      if (out != 0) cut.values += count;
      continue;
    }
    const double density = count / (u - l), above = std::max(l, range.high), below = std::min(u, range.low);
    all_energy += density * squares(l, u, 0);
    if (u > above) {
      cut.energy += density * squares(above, u, range.high);
      cut.values += density * (u - above);
    }
    if (l < below) {
      cut.energy += density * squares(l, below, range.low);
      cut.values += density * (below - l);
    }
  }
  if (all_energy > 0) cut.energy /= all_energy;
  if (all_values > 0) cut.values /= all_values;
  return cut;
}

double least_factor(const Distribution &distribution, Range range, ClippingLimit limit) {
  return bisect(distribution, limit, [&](double f) { return Range{range.low * f, range.high * f}; });
}

double least_upper_factor(const Distribution &distribution, Range range, ClippingLimit limit) {
  return bisect(distribution, limit, [&](double f) { return Range{range.low, range.high * f}; });
}

double least_lower_factor(const Distribution &distribution, Range range, ClippingLimit limit) {
  return bisect(distribution, limit, [&](double f) { return Range{range.low * f, range.high}; });
}

}  // namespace halftone::observers
