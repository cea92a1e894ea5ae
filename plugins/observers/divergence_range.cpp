#include "divergence_range.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "clipped_energy.h"

namespace halftone::observers {
namespace {

// Stands for the logarithm of an impossible outcome: large, and still comparable.
const double kLogOfNothing = std::log(1e-30);

double information(double c) {
  return c > 0 ? c * std::log(c) : 0;
}

// A limit this far inside the domain leaves so few bins to the bulk that the search is repeated on a smaller domain.
constexpr double kZoomBelow = 1.0 / 8;
constexpr int kMaxZooms = 24;

// The divergence counts values and does not know how large they are: of a softmax over a thousand classes it would keep
// the 999 that are nearly zero, and clip the one that matters. Limits that cut off more than this are not tried.
constexpr ClippingLimit kClippingLimit;

std::size_t levels_for(unsigned bits) {
  return std::size_t{1} << std::min(bits, 30U);
}

std::size_t best_upper(const DivergenceTable &table, std::size_t first, std::size_t from, std::size_t levels) {
  std::size_t best = table.bins();
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t last = std::max(from, first + levels); last <= table.bins(); ++last) {
    const double d = table.divergence(first, last, levels);
    if (d < least) least = d, best = last;
  }
  return best;
}

std::size_t best_lower(const DivergenceTable &table, std::size_t to, std::size_t last, std::size_t levels) {
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t first = 0; first <= to && first + levels <= last; ++first) {
    const double d = table.divergence(first, last, levels);
    if (d < least) least = d, best = first;
  }
  return best;
}

}  // namespace

DivergenceTable::DivergenceTable(const LinearHistogram &histogram)
    : bins_(histogram.counts),
      counts_(histogram.counts.size() + 1, 0.0),
      occupied_(counts_),
      information_(counts_),
      zeros_(histogram.zeros),
      below_(histogram.below),
      above_(histogram.above) {
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    const double c = histogram.counts[i];
    counts_[i + 1] = counts_[i] + c;
    occupied_[i + 1] = occupied_[i] + (c > 0 ? 1 : 0);
    information_[i + 1] = information_[i] + information(c);
  }
}

DivergenceTable::Group DivergenceTable::group(std::size_t from, std::size_t to, std::size_t first,
                                              std::size_t last) const {
  Group g;
  g.kept = counts_[to] - counts_[from];
  g.clipped = g.kept;
  g.occupied = occupied_[to] - occupied_[from];
  if (from == first && below(first) > 0) {
    g.clipped += below(first);
    if (bin(first) == 0) g.occupied += 1;
  }
  if (to == last && above(last) > 0) {
    g.clipped += above(last);
    if (bin(last - 1) == 0) g.occupied += 1;
  }
  return g;
}

double DivergenceTable::divergence(std::size_t first, std::size_t last, std::size_t levels) const {
  const double kept = counts_[last] - counts_[first] + zeros_;
  const double total = kept + below(first) + above(last);
  if (kept <= 0 || last <= first + 1) return std::numeric_limits<double>::infinity();
  // sum of c * log(c) over the clipped distribution, less the sum of c * log(q) over its groups.
  double entropy = information_[last] - information_[first] + information(zeros_);
  entropy += information(bin(first) + below(first)) - information(bin(first));
  entropy += information(bin(last - 1) + above(last)) - information(bin(last - 1));
  double cross = zeros_ > 0 ? zeros_ * std::log(zeros_ / kept) : 0;
  std::size_t from = first;
  for (std::size_t level = 1; level <= levels; ++level) {
    const std::size_t to = first + (last - first) * level / levels;
    const Group g = group(from, to, first, last);
    if (g.clipped > 0) cross += g.clipped * (g.kept > 0 ? std::log(g.kept / g.occupied / kept) : kLogOfNothing);
    from = to;
  }
  return (entropy - cross) / total - std::log(total);
}

Range symmetric_divergence_range(const Distribution &distribution, unsigned bits) {
  const double whole = distribution.absolute_maximum();
  const std::size_t levels = levels_for(bits - 1);
  if (whole <= 0 || distribution.counts.empty() || levels >= kDivergenceBins) return {-whole, whole};
  double limit = whole;
  const double least = whole * least_factor(distribution, {-whole, whole}, kClippingLimit);
  for (int zoom = 0; zoom < kMaxZooms; ++zoom) {
    const double domain = limit;
    const LinearHistogram histogram = absolute_histogram(distribution, domain, kDivergenceBins);
    const auto from = static_cast<std::size_t>(std::ceil(std::min(least / histogram.width, double{kDivergenceBins})));
    limit = histogram.edge(best_upper(DivergenceTable(histogram), 0, from, levels));
    if (limit >= domain * kZoomBelow) break;
    limit *= 2;  // leave the search room above what it found
  }
  limit = std::min(limit, whole);
  return {-limit, limit};
}

Range asymmetric_divergence_range(const Distribution &distribution, unsigned bits) {
  const std::size_t levels = levels_for(bits);
  Range range{std::min(distribution.minimum, 0.0), std::max(distribution.maximum, 0.0)};
  if (range.high <= range.low || distribution.counts.empty() || levels >= kDivergenceBins) return range;
  const Range least{range.low * least_lower_factor(distribution, range, kClippingLimit),
                    range.high * least_upper_factor(distribution, range, kClippingLimit)};
  for (int zoom = 0; zoom < kMaxZooms; ++zoom) {
    const double domain = range.high - range.low;
    const LinearHistogram histogram = linear_histogram(distribution, range.low, range.high, kDivergenceBins);
    const DivergenceTable table(histogram);
    const auto bin_of = [&](double x) {
      return static_cast<std::size_t>(std::clamp(std::round(x), 0.0, static_cast<double>(kDivergenceBins)));
    };
    const std::size_t to = bin_of(std::floor((least.low - range.low) / histogram.width));
    const std::size_t from = bin_of(std::ceil((least.high - range.low) / histogram.width));
    // One end at a time, twice: the ends hardly influence each other while the other is near its place.
    std::size_t first = 0, last = kDivergenceBins;
    for (int round = 0; round < 2; ++round) {
      last = best_upper(table, first, from, levels);
      first = best_lower(table, to, last, levels);
    }
    const Range found{std::min(histogram.edge(first), 0.0), std::max(histogram.edge(last), 0.0)};
    if (found.high - found.low >= domain * kZoomBelow) return found;
    range = {std::max(2 * found.low, range.low), std::min(2 * found.high, range.high)};
  }
  return range;
}

}  // namespace halftone::observers
