#include "squared_error_range.h"

#include <algorithm>
#include <cmath>

#include "scale_range.h"

namespace halftone::observers {
namespace {

// Beyond this many steps a cell is narrower than the bins, and the even spread inside a cell gives scale^2 / 12.
constexpr std::int64_t kMaxExactSteps = 1 << 12;
constexpr int kCoarsePerOctave = 8;
constexpr int kOctaves = 16;
constexpr int kFineSteps = 24;

// The factor in (0, 1] by which `error_of(factor, enough)` is least; of equals the one that comes first below. One
// factor of each octave is tried before the others, most of which are then given up early.
template <typename Error>
double best_factor(const Error &error_of) {
  constexpr int kCoarse = kCoarsePerOctave * kOctaves;
  const auto coarse = [](int i) { return std::exp2(-static_cast<double>(i) / kCoarsePerOctave); };
  int at = 0;
  double least = error_of(1.0, std::numeric_limits<double>::infinity());
  const auto consider = [&](int i) {
    const double e = error_of(coarse(i), least);
    if (e < least || (e == least && i < at)) least = e, at = i;
  };
  for (int i = kCoarsePerOctave; i <= kCoarse; i += kCoarsePerOctave) consider(i);
  for (int i = 1; i < kCoarse; ++i) {
    if (i % kCoarsePerOctave != 0) consider(i);
  }
  double best = coarse(at);
  const double step = std::exp2(1.0 / kCoarsePerOctave), low = best / step, high = std::min(best * step, 1.0);
  for (int i = 1; i < kFineSteps; ++i) {
    const double factor = low + (high - low) * i / kFineSteps, e = error_of(factor, least);
    if (e < least) least = e, best = factor;
  }
  return best;
}

}  // namespace

Grid grid_for(const ht_quant_spec &spec, Range range) {
  const double low = std::min(range.low, 0.0), high = std::max(range.high, 0.0);
  const bool symmetric = spec.symmetry == HT_SYMMETRIC;
  Grid grid;
  grid.scale = symmetric ? std::max(-low, high) / symmetric_divisor(spec)
                         : (high - low) / static_cast<double>(spec.quant_max - spec.quant_min);
  grid.scale = std::max(grid.scale, 1e-8);
  if (spec.scale_form == HT_SCALE_POWER_OF_TWO) grid.scale = std::exp2(std::ceil(std::log2(grid.scale)));
  std::int64_t zero = 0;
  if (!symmetric) {
    const auto least = static_cast<double>(spec.quant_min), most = static_cast<double>(spec.quant_max);
    zero = static_cast<std::int64_t>(std::clamp(std::nearbyint(least - low / grid.scale), least, most));
  }
  grid.first = spec.quant_min - zero;
  grid.last = spec.quant_max - zero;
  return grid;
}

SquaredErrorTable::SquaredErrorTable(const Distribution &distribution, double clip_weight)
    : moments_(distribution),
      clip_weight_(clip_weight),
      total_(moments_.all().mass + static_cast<double>(distribution.zeros)) {}

double SquaredErrorTable::error(const Grid &grid, double enough) const {
  if (total_ == 0 || moments_.all().mass == 0) return 0;
  const double s = grid.scale, low = static_cast<double>(grid.first) * s, high = static_cast<double>(grid.last) * s;
  const std::size_t edges = moments_.edges_until(low - s / 2, 0);
  const Moments begin = moments_.until(low - s / 2, edges), end = moments_.until(high + s / 2);
  const double clipped =
      clip_weight_ * (squared_distance({}, begin, low) + squared_distance(end, moments_.all(), high));
  if (clipped / total_ > enough) return clipped / total_;
  if (grid.last - grid.first >= kMaxExactSteps) return (clipped + (end.mass - begin.mass) * s * s / 12) / total_;
  return with_rounding(clipped, grid, {begin, end, edges}, enough * total_) / total_;
}

// All terms are positive, so that a part of the sum is a lower bound.
double SquaredErrorTable::with_rounding(double sum, const Grid &grid, const Inside &inside, double enough) const {
  // Allows for the roundings of the sum: what is no more than `enough` must not be taken for it.
  const double stop = enough * (1 + 1e-9);
  Moments from = inside.begin;
  std::size_t edges = inside.edges, gap = 0;  // between two steps there are mostly as many edges as before
  for (std::int64_t k = grid.first; k < grid.last && sum <= stop; ++k) {
    const double value = static_cast<double>(k) * grid.scale, border = value + grid.scale / 2;
    const std::size_t next = moments_.edges_until(border, edges + gap);
    gap = next - edges;
    edges = next;
    const Moments to = moments_.until(border, edges);
    // Most of a wide grid may hold nothing at all.
    if (to.mass > from.mass) sum += squared_distance(from, to, value);
    from = to;
  }
  if (sum <= stop && inside.end.mass > from.mass) {
    sum += squared_distance(from, inside.end, static_cast<double>(grid.last) * grid.scale);
  }
  return sum;
}

Range squared_error_range(const Distribution &distribution, const ht_quant_spec &spec, double clip_weight) {
  const Range whole{std::min(distribution.minimum, 0.0), std::max(distribution.maximum, 0.0)};
  if (distribution.counts.empty() || whole.high <= whole.low) return whole;
  const SquaredErrorTable table(distribution, clip_weight);
  const auto scaled = [](Range r, double low, double high) { return Range{r.low * low, r.high * high}; };
  const auto error_of = [&](Range r, double enough) { return table.error(grid_for(spec, r), enough); };
  if (spec.symmetry == HT_SYMMETRIC) {
    const double limit = distribution.absolute_maximum();
    const double f = best_factor([&](double x, double e) { return error_of({-limit * x, limit * x}, e); });
    return {-limit * f, limit * f};
  }
  // Both ends together first, so that neither is judged beside an absurd other; then one at a time.
  const double both = best_factor([&](double f, double e) { return error_of(scaled(whole, f, f), e); });
  Range best = scaled(whole, both, both);
  for (int round = 0; round < 2; ++round) {
    if (whole.high > 0) {
      best.high = whole.high * best_factor([&](double f, double e) { return error_of({best.low, whole.high * f}, e); });
    }
    if (whole.low < 0)
      best.low = whole.low * best_factor([&](double f, double e) { return error_of({whole.low * f, best.high}, e); });
  }
  return best;
}

}  // namespace halftone::observers
