// Which scales a device may give to values of a type.
#pragma once

#include <string>

#include "core/pipeline/fusion_spec.h"

namespace halftone::pipeline {

// Why a value of a type cannot have this scale, to follow "a fixed scale"; empty when it can. `name` is the type's, if
// it has one.
std::string fixed_scale_fault(const FixedScale &fixed, const std::string &name, const ht_quant_spec &spec);

}  // namespace halftone::pipeline
