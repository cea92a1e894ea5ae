#include "core/pipeline/fixed_scale.h"

#include <cmath>

#include <fmt/core.h>

namespace halftone::pipeline {

std::string fixed_scale_fault(const FixedScale &fixed, const std::string &name, const ht_quant_spec &spec) {
  const std::string type = name.empty() ? "this type" : fmt::format("type '{}'", name);
  if (spec.granularity != HT_PER_TENSOR) {
    return fmt::format("is one number, and {} has one for each {}", type,
                       spec.granularity == HT_PER_BLOCK ? "block" : "channel");
  }
  if (spec.dynamic != 0) return fmt::format("and {}, whose range is taken at run time, exclude each other", type);
  if (spec.symmetry == HT_SYMMETRIC && fixed.zero_point != 0) {
    return fmt::format("of {}, which is symmetric, has the zero point 0, not {}", type, fixed.zero_point);
  }
  if (fixed.zero_point < spec.quant_min || fixed.zero_point > spec.quant_max) {
    return fmt::format("of {} has a zero point from {} to {}, not {}", type, spec.quant_min, spec.quant_max,
                       fixed.zero_point);
  }
  int exponent = 0;
  if (spec.scale_form == HT_SCALE_POWER_OF_TWO && std::frexp(fixed.scale, &exponent) != 0.5)
    return fmt::format("of {} is a power of two, not {}", type, fixed.scale);
  return {};
}

}  // namespace halftone::pipeline
