#include "clipped_energy.h"

namespace halftone::observers {
namespace {

constexpr int kHalvings = 40;

template <typename ClippedBy>
double bisect(ClippingLimit limit, const ClippedBy &clipped_by) {
  const auto allowed = [&](double factor) {
    const Clipped clipped = clipped_by(factor);
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

ClippingTable::ClippingTable(const Distribution &distribution)
    : moments_(distribution), values_(moments_.all().mass + static_cast<double>(distribution.zeros)) {}

Clipped ClippingTable::clipped_by(Range range) const {
  const Moments below = moments_.until(range.low), until = moments_.until(range.high);
  const Moments &all = moments_.all();
  Clipped cut;
  if (all.second > 0) {
    cut.energy = (squared_distance({}, below, range.low) + squared_distance(until, all, range.high)) / all.second;
  }
  if (values_ > 0) cut.values = (below.mass + all.mass - until.mass) / values_;
  return cut;
}

double ClippingTable::least_factor(Range range, ClippingLimit limit) const {
  return bisect(limit, [&](double f) { return clipped_by({range.low * f, range.high * f}); });
}

double ClippingTable::least_upper_factor(Range range, ClippingLimit limit) const {
  return bisect(limit, [&](double f) { return clipped_by({range.low, range.high * f}); });
}

double ClippingTable::least_lower_factor(Range range, ClippingLimit limit) const {
  return bisect(limit, [&](double f) { return clipped_by({range.low * f, range.high}); });
}

}  // namespace halftone::observers
