// Scales that are taken at run time.
#pragma once

#include <span>

#include "core/quant/arithmetic.h"

namespace halftone::quant {

// The scale of a tensor's own range, widened to contain 0, under a spec per tensor. Throws InvalidArgument for a spec
// with several scales, and for values that are NaN or infinite.
Scale dynamic_scale(std::span<const float> values, const ht_quant_spec &spec);

}  // namespace halftone::quant
