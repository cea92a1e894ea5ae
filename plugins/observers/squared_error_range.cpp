#include "squared_error_range.h"

#include <algorithm>
#include <cmath>

namespace halftone::observers {
namespace {

// Beyond this many steps a cell is narrower than the bins, and the even spread inside a cell gives scale^2 / 12.
constexpr std::int64_t kMaxExactSteps = 1 << 12;
constexpr int kCoarsePerOctave = 8;
constexpr int kOctaves = 16;
constexpr int kFineSteps = 24;

double symmetric_divisor(const ht_quant_spec &spec) {
  if (spec.span == HT_SPAN_HALF) return static_cast<double>(spec.quant_max - spec.quant_min) / 2;
  const std::int64_t narrow = std::min(-spec.quant_min, spec.quant_max);
  return static_cast<double>(narrow > 0 ? narrow : spec.quant_max);
}

// The factor in (0, 1] by which `error_of(factor)` is least.
template <typename Error>
double best_factor(const Error &error_of) {
  double best = 1, least = error_of(1.0);
  const auto consider = [&](double factor) {
    const double e = error_of(factor);
    if (e < least) least = e, best = factor;
  };
  for (int i = 1; i <= kCoarsePerOctave * kOctaves; ++i)
    consider(std::exp2(-static_cast<double>(i) / kCoarsePerOctave));
  const double step = std::exp2(1.0 / kCoarsePerOctave), low = best / step, high = std::min(best * step, 1.0);
  for (int i = 1; i < kFineSteps; ++i) consider(low + (high - low) * i / kFineSteps);
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
    : distribution_(distribution), clip_weight_(clip_weight), total_(static_cast<double>(distribution.zeros)) {
  sums_.reserve(distribution.counts.size() + 1);
  sums_.push_back({});
  for (std::size_t i = 0; i < distribution.counts.size(); ++i) {
    const auto c = static_cast<double>(distribution.counts[i]);
    const double l = distribution.lower(i), u = distribution.upper(i);
    Moments next = sums_.back();
    if (c > 0) {
      next.mass += c;
      next.first += c * (l + u) / 2;
      next.second += c * (l * l + l * u + u * u) / 3;
    }
    sums_.push_back(next);
    total_ += c;
  }
}

// Grid values ascend, and the next one is near: steps of doubling length find it sooner than halving the whole.
std::size_t SquaredErrorTable::edges_until(double x, std::size_t from) const {
  const std::span<const double> edges = distribution_.edges;
  std::size_t step = 1, low = from;
  while (low + step < edges.size() && edges[low + step] <= x) {
    low += step;
    step *= 2;
  }
  const auto end = edges.begin() + static_cast<std::ptrdiff_t>(std::min(low + step, edges.size()));
  return static_cast<std::size_t>(std::upper_bound(edges.begin() + static_cast<std::ptrdiff_t>(low), end, x) -
                                  edges.begin());
}

SquaredErrorTable::Moments SquaredErrorTable::until(double x, std::size_t above) const {
  if (above == 0) return {};
  const std::size_t bin = above - 1;
  if (bin >= distribution_.counts.size()) return sums_.back();
  Moments m = sums_[bin];
  const auto c = static_cast<double>(distribution_.counts[bin]);
  const double l = distribution_.lower(bin), u = distribution_.upper(bin);
  if (c == 0 || x < l) return m;
  if (x >= u) return sums_[bin + 1];
  const double mass = c * (x - l) / (u - l);
  m.mass += mass;
  m.first += mass * (l + x) / 2;
  m.second += mass * (l * l + l * x + x * x) / 3;
  return m;
}

double SquaredErrorTable::around(const Moments &from, const Moments &until, double to) {
  const double mass = until.mass - from.mass, first = until.first - from.first, second = until.second - from.second;
  return std::max(second - 2 * to * first + to * to * mass, 0.0);
}

double SquaredErrorTable::error(const Grid &grid) const {
  if (total_ == 0 || sums_.size() < 2) return 0;
  const double s = grid.scale, low = static_cast<double>(grid.first) * s, high = static_cast<double>(grid.last) * s;
  std::size_t edges = edges_until(low - s / 2, 0);
  const Moments begin = until(low - s / 2, edges), end = until(high + s / 2, edges_until(high + s / 2, edges));
  double sum = clip_weight_ * (around({}, begin, low) + around(end, sums_.back(), high));
  if (grid.last - grid.first >= kMaxExactSteps) {
    sum += (end.mass - begin.mass) * s * s / 12;
  } else {
    Moments from = begin;
    for (std::int64_t k = grid.first; k <= grid.last; ++k) {
      const double value = static_cast<double>(k) * s;
      // Most of a wide grid may hold nothing at all.
      if (k != grid.last) edges = edges_until(value + s / 2, edges);
      const Moments to = k == grid.last ? end : until(value + s / 2, edges);
      if (to.mass > from.mass) sum += around(from, to, value);
      from = to;
    }
  }
  return sum / total_;
}

Range squared_error_range(const Distribution &distribution, const ht_quant_spec &spec, double clip_weight) {
  const Range whole{std::min(distribution.minimum, 0.0), std::max(distribution.maximum, 0.0)};
  if (distribution.counts.empty() || whole.high <= whole.low) return whole;
  const SquaredErrorTable table(distribution, clip_weight);
  const auto scaled = [](Range r, double low, double high) { return Range{r.low * low, r.high * high}; };
  const auto error_of = [&](Range r) { return table.error(grid_for(spec, r)); };
  if (spec.symmetry == HT_SYMMETRIC) {
    const double limit = distribution.absolute_maximum();
    const double f = best_factor([&](double factor) { return error_of({-limit * factor, limit * factor}); });
    return {-limit * f, limit * f};
  }
  // Both ends together first, so that neither is judged beside an absurd other; then one at a time.
  const double both = best_factor([&](double f) { return error_of(scaled(whole, f, f)); });
  Range best = scaled(whole, both, both);
  for (int round = 0; round < 2; ++round) {
    if (whole.high > 0) {
      best.high = whole.high * best_factor([&](double f) { return error_of({best.low, whole.high * f}); });
    }
    if (whole.low < 0)
      best.low = whole.low * best_factor([&](double f) { return error_of({whole.low * f, best.high}); });
  }
  return best;
}

}  // namespace halftone::observers
