// How much of a signal a range cuts off.
#pragma once

#include "distribution.h"
#include "moments.h"

namespace halftone::observers {

// Of the values outside a range: the sum of squared distances to it, relative to the sum of squares of all values, and
// their number relative to that of all values (exact zeros included).
struct Clipped {
  double energy = 0;
  double values = 0;
};

// What a range may cut off: so much of the energy, or so few values that they count as outliers.
struct ClippingLimit {
  double energy = 0.01;
  double values = 1.0 / 32768;
};

// From prefix sums, because a limit is found by trying many.
class ClippingTable {
 public:
  explicit ClippingTable(const Distribution &distribution);

  Clipped clipped_by(Range range) const;
  // The least factor in [0, 1] for both ends of `range`, or for one end while the other is kept, that cuts off no more.
  // `range` contains 0 and all values.
  double least_factor(Range range, ClippingLimit limit) const;
  double least_upper_factor(Range range, ClippingLimit limit) const;
  double least_lower_factor(Range range, ClippingLimit limit) const;

 private:
  MomentTable moments_;
  double values_;
};

}  // namespace halftone::observers
