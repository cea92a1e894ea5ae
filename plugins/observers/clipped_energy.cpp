#include "clipped_energy.h"

#include "moments.h"

namespace halftone::observers {
namespace {

constexpr int kHalvings = 40;

// Prefix sums, because a limit is found by trying many.
class ClippedTable {
 public:
  explicit ClippedTable(const Distribution &distribution)
      : moments_(distribution), values_(moments_.all().mass + static_cast<double>(distribution.zeros)) {}

  Clipped clipped_by(Range range) const {
    const Moments below = moments_.until(range.low), until = moments_.until(range.high);
    const Moments &all = moments_.all();
    Clipped cut;
    if (all.second > 0) {
      cut.energy = (squared_distance({}, below, range.low) + squared_distance(until, all, range.high)) / all.second;
    }
    if (values_ > 0) cut.values = (below.mass + all.mass - until.mass) / values_;
    return cut;
  }

 private:
  MomentTable moments_;
  double values_;
};

template <typename RangeOf>
double bisect(const Distribution &distribution, ClippingLimit limit, const RangeOf &range_of) {
  const ClippedTable table(distribution);
  const auto allowed = [&](double factor) {
    const Clipped clipped = table.clipped_by(range_of(factor));
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
  return ClippedTable(distribution).clipped_by(range);
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
