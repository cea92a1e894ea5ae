#include "magnitudes.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace halftone::passes {
namespace {

constexpr std::uint32_t kEighth = 20;  // bits of a float32 below the eighths of an octave

double below(float peak, std::uint32_t distance) {
  const auto bits = std::bit_cast<std::uint32_t>(peak);
  return bits > distance ? std::bit_cast<float>(bits - distance) : 0.0;
}

double edge(float peak, std::size_t bin) {
  return below(peak, static_cast<std::uint32_t>(bin << kEighth));
}

double middle(float peak, std::size_t bin) {
  return below(peak, static_cast<std::uint32_t>((bin << kEighth) + (1U << (kEighth - 1))));
}

double error_of(const Magnitudes &counts, float peak, double range, double steps, double clip_weight) {
  const double step = range / steps;
  double error = 0;
  for (std::size_t bin = 0; bin < counts.size(); ++bin) {
    if (counts[bin] == 0) continue;
    const double value = middle(peak, bin), n = static_cast<double>(counts[bin]);
    if (value > range) {
      error += clip_weight * n * (value - range) * (value - range);
    } else {
      error += n * std::min(value * value, step * step / 12);
    }
  }
  return error;
}

}  // namespace

double least_error_range(const Magnitudes &counts, float peak, const GridOf &grid) {
  const double steps = std::ldexp(1.0, grid.bits - 1) - 1;
  double best = peak, least = error_of(counts, peak, peak, steps, grid.clip_weight);
  for (std::size_t bin = 1; bin < counts.size() / 2; ++bin) {
    const double range = edge(peak, bin);
    const double error = error_of(counts, peak, range, steps, grid.clip_weight);
    if (error < least) best = range, least = error;
  }
  return best;
}

}  // namespace halftone::passes
