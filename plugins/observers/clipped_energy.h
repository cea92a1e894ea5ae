// How much of a signal a range cuts off.
#pragma once

#include "distribution.h"

namespace halftone::observers {

// Of the values outside a range: the sum of squared distances to it, relative to the sum of squares of all values, and
// their number relative to that of all values (exact zeros included).
struct Clipped {
  double energy = 0;
  double values = 0;
};
Clipped clipped_by(const Distribution &distribution, Range range);

// What a range may cut off: so much of the energy, or so few values that they count as outliers.
struct ClippingLimit {
  double energy = 0.01;
  double values = 1.0 / 32768;
};

// The least factor in [0, 1] for both ends of `range`, or for one end while the other is kept, that cuts off no more.
// `range` contains 0 and all values.
double least_factor(const Distribution &distribution, Range range, ClippingLimit limit);
double least_upper_factor(const Distribution &distribution, Range range, ClippingLimit limit);
double least_lower_factor(const Distribution &distribution, Range range, ClippingLimit limit);

}  // namespace halftone::observers
