#include "core/quant/dynamic_range.h"

#include <cmath>

#include "core/base/error.h"

namespace halftone::quant {

Scale dynamic_scale(std::span<const float> values, const ht_quant_spec &spec) {
  if (spec.granularity != HT_PER_TENSOR) {
    fail(Status::kInvalidArgument, "a range taken at run time is one for the whole tensor, not per channel or block");
  }
  float low = 0, high = 0;
  float poison = 0;  // stays 0 while every value is finite; comparisons alone would pass over NaN
  for (const float x : values) {
    low = x < low ? x : low;
    high = x > high ? x : high;
    poison += x * 0.0F;
  }
  if (std::isnan(poison)) {
    fail(Status::kInvalidArgument, "a tensor whose range is taken at run time holds NaN or infinite values");
  }
  return scale_from_range(low, high, spec);
}

}  // namespace halftone::quant
