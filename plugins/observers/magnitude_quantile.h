// The magnitude below which a share of the values lies.
#pragma once

#include "distribution.h"

namespace halftone::observers {

// Of n values sorted by magnitude, zeros included, the one at index ceil(fraction * n) - 1, to the outer edge of its
// bin.
double magnitude_quantile(const Distribution &distribution, double fraction);
// The extremes, but no end beyond that magnitude.
Range magnitude_range(const Distribution &distribution, double fraction);

}  // namespace halftone::observers
