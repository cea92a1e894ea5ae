// What fusions want of configs, once these exist and the user's overrides have been applied.
#pragma once

#include <string>
#include <vector>

#include "core/pipeline/chosen_observers.h"
#include "core/pipeline/fusions.h"

namespace halftone::pipeline {

// Why a place cannot run as the device's operator, once configs exist: a type that `dtypes` refuses, or a node of it in
// float. Empty where it can, and where nothing of the fusion is observed.
std::string float_conflict(const host::WorkingModel &working, const FusionSpec &fusion, const FusionPlace &place);

// A place whose types are not what the fusion demands goes to float as a whole; a fixed scale becomes the observer that
// gives it, unless a rule of the user names one; the output takes the scale of the first input where the fusion says
// so. Returns warnings about places in float.
std::vector<std::string> settle_fusions(Fusions &fusions, host::WorkingModel &working, ChosenObservers &chosen);

}  // namespace halftone::pipeline
