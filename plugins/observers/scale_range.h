// Ranges for observers that know the scale: the host makes that scale of them.
#pragma once

#include <algorithm>

#include "distribution.h"
#include "halftone/quant.h"

namespace halftone::observers {

// By what the host divides the absolute maximum of a symmetric range.
inline double symmetric_divisor(const ht_quant_spec &spec) {
  if (spec.span == HT_SPAN_HALF) return static_cast<double>(spec.quant_max - spec.quant_min) / 2;
  const std::int64_t narrow = std::min(-spec.quant_min, spec.quant_max);
  return static_cast<double>(narrow > 0 ? narrow : spec.quant_max);
}

// Symmetric: centred on zero. Asymmetric: from `low`, or from 0 where that is above 0, as many steps as there are.
inline Range range_of_scale(const ht_quant_spec &spec, double scale, double low) {
  if (spec.symmetry == HT_SYMMETRIC) {
    const double most = scale * symmetric_divisor(spec);
    return {-most, most};
  }
  const double from = std::min(low, 0.0);
  return {from, from + scale * static_cast<double>(spec.quant_max - spec.quant_min)};
}

}  // namespace halftone::observers
