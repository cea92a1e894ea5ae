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

// From the widest range on: of equals the narrowest is taken.
std::size_t best_upper(DivergenceTable &table, std::size_t first, std::size_t from) {
  std::size_t best = table.bins();
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t last = table.bins(); last >= std::max(from, first + table.levels()); --last) {
    const double d = table.divergence(first, last);
    if (d <= least && std::isfinite(d)) least = d, best = last;
  }
  return best;
}

std::size_t best_lower(DivergenceTable &table, std::size_t to, std::size_t last) {
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t first = 0; first <= to && first + table.levels() <= last; ++first) {
    const double d = table.divergence(first, last);
    if (d < least) least = d, best = first;
  }
  return best;
}

struct Ends {
  std::size_t first, last;
};

// One end at a time, twice: the ends hardly influence each other while the other is near its place.
Ends best_ends(DivergenceTable &table, std::size_t to, std::size_t from) {
  const std::size_t last = best_upper(table, 0, from), first = best_lower(table, to, last);
  const std::size_t again = first == 0 ? last : best_upper(table, first, from);
  return {again == last ? first : best_lower(table, to, again), again};
}

}  // namespace

DivergenceTable::DivergenceTable(const LinearHistogram &histogram, std::size_t levels)
    : levels_(levels),
      bins_(histogram.counts),
      counts_(histogram.counts.size() + 1, 0.0),
      occupied_(counts_),
      information_(counts_),
      zeros_(histogram.zeros),
      below_(histogram.below),
      above_(histogram.above),
      groups_(counts_, occupied_, levels) {
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    const double c = histogram.counts[i];
    counts_[i + 1] = counts_[i] + c;
    occupied_[i + 1] = occupied_[i] + (c > 0 ? 1 : 0);
    information_[i + 1] = information_[i] + information(c);
  }
  total_ = counts_.back() + zeros_ + below_ + above_;
}

double DivergenceTable::moved(const End &end) const {
  const double outliers = end.below + end.above;
  if (outliers <= 0) return 0;
  const double kept = counts_[end.to] - counts_[end.from], before = occupied_[end.to] - occupied_[end.from];
  if (kept <= 0) return outliers * (kLogOfNothing + end.log_kept);
  double occupied = before;
  if (end.below > 0 && bins_[end.from] == 0) occupied += 1;
  if (end.above > 0 && bins_[end.to - 1] == 0) occupied += 1;
  return outliers * std::log(kept / occupied) - (occupied == before ? 0 : kept * std::log(occupied / before));
}

double DivergenceTable::divergence(std::size_t first, std::size_t last) {
  const double kept = counts_[last] - counts_[first] + zeros_;
  if (kept <= 0 || last <= first + 1 || last < first + levels_) return std::numeric_limits<double>::infinity();
  const double outside_below = below(first), outside_above = above(last), log_kept = std::log(kept);
  // sum of c * log(c) over the clipped distribution, less the sum of c * log(q) over its groups.
  double entropy = information_[last] - information_[first];
  if (outside_below > 0) entropy += information(bins_[first] + outside_below) - information(bins_[first]);
  if (outside_above > 0) entropy += information(bins_[last - 1] + outside_above) - information(bins_[last - 1]);
  const std::size_t first_end = first + (last - first) / levels_;
  const std::size_t last_begin = first + (last - first) * (levels_ - 1) / levels_;
  double cross = groups_.sum(first, last);
  if (levels_ == 1) {
    cross += moved({first, last, outside_below, outside_above, log_kept});
  } else {
    cross +=
        moved({first, first_end, outside_below, 0, log_kept}) + moved({last_begin, last, 0, outside_above, log_kept});
  }
  // The zeros' own terms, zeros * log(zeros), are in both sums.
  return (entropy - cross + total_ * log_kept) / total_ - std::log(total_);
}

Range symmetric_divergence_range(const Distribution &distribution, unsigned bits) {
  const double whole = distribution.absolute_maximum();
  const std::size_t levels = levels_for(bits - 1);
  if (whole <= 0 || distribution.counts.empty() || levels >= kDivergenceBins) return {-whole, whole};
  double limit = whole;
  const double least = whole * ClippingTable(distribution).least_factor({-whole, whole}, kClippingLimit);
  for (int zoom = 0; zoom < kMaxZooms; ++zoom) {
    const double domain = limit;
    const LinearHistogram histogram = absolute_histogram(distribution, domain, kDivergenceBins);
    const auto from = static_cast<std::size_t>(std::ceil(std::min(least / histogram.width, double{kDivergenceBins})));
    DivergenceTable table(histogram, levels);
    limit = histogram.edge(best_upper(table, 0, from));
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
  const ClippingTable clipping(distribution);
  const Range least{range.low * clipping.least_lower_factor(range, kClippingLimit),
                    range.high * clipping.least_upper_factor(range, kClippingLimit)};
  for (int zoom = 0; zoom < kMaxZooms; ++zoom) {
    const double domain = range.high - range.low;
    const LinearHistogram histogram = linear_histogram(distribution, range.low, range.high, kDivergenceBins);
    DivergenceTable table(histogram, levels);
    const auto bin_of = [&](double x) {
      return static_cast<std::size_t>(std::clamp(std::round(x), 0.0, static_cast<double>(kDivergenceBins)));
    };
    const std::size_t to = bin_of(std::floor((least.low - range.low) / histogram.width));
    const std::size_t from = bin_of(std::ceil((least.high - range.low) / histogram.width));
    const auto [first, last] = best_ends(table, to, from);
    const Range found{std::min(histogram.edge(first), 0.0), std::max(histogram.edge(last), 0.0)};
    if (found.high - found.low >= domain * kZoomBelow) return found;
    range = {std::max(2 * found.low, range.low), std::min(2 * found.high, range.high)};
  }
  return range;
}

}  // namespace halftone::observers
