// Scales that are powers of two: the one that clips nothing, and finer ones that may leave less error.
#pragma once

#include "distribution.h"
#include "halftone/quant.h"

namespace halftone::observers {

// The n of the scale 2^-n: from the largest n that clips nothing, up to `finer` more, the one that leaves the least
// squared error on the grid; of equals the coarsest.
int power_of_two_exponent(const Distribution &distribution, const ht_quant_spec &spec, int finer);
// Of which the host makes that scale, whether the type asks for powers of two or not.
Range power_of_two_range(const ht_quant_spec &spec, int exponent, double low);

}  // namespace halftone::observers
