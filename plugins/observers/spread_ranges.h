// Ranges from means and deviations, as published.
#pragma once

#include "distribution.h"
#include "halftone/quant.h"
#include "spread.h"

namespace halftone::observers {

// The scale 2 mean|x| / sqrt(qmax).
Range lsq_range(const Spread &spread, const ht_quant_spec &spec);
// Symmetric: the scale max|mean +- 3 deviations| over half of the codes. Asymmetric: mean +- 3 deviations, no further
// than the values go.
Range lsq_plus_range(const Spread &spread, const ht_quant_spec &spec);
// mean +- so many deviations, no further than the values go.
Range clipped_range(const Spread &spread, double deviations);

}  // namespace halftone::observers
