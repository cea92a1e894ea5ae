// Accumulators of observers that have their own, as a data pass feeds them.
#pragma once

#include <memory>

#include "core/calibration/gatherer.h"
#include "core/host/instance.h"
#include "halftone/observer.h"

namespace halftone::pipeline {

// How often begin() may ask for the data before the host takes it for a mistake.
inline constexpr int kMostPasses = 16;

[[noreturn]] void refuse_more_passes(const host::Instance &observer);

// Whether the observer is of the second form. Throws FailedPrecondition when it has some of its functions only.
bool has_accumulators(const host::Instance &observer);
bool merges_in_any_order(const host::Instance &observer);

// Null where the observer needs no pass. `previous` is null or of the same observer.
std::unique_ptr<calibration::Gatherer> begin_gathering(host::Context &ctx, const host::Instance &observer,
                                                       const ht_quant_spec &spec, const ht_statistics *statistics,
                                                       const calibration::Gatherer *previous);

// What begin_gathering() made, for ht_observer::finish.
const void *raw_accumulator(const calibration::Gatherer &gatherer);

}  // namespace halftone::pipeline
