// Tells faults of who receives a sample's values from faults of the sample.
#pragma once

#include "core/base/error.h"

namespace halftone::calibration {

// What the receiver throws is no fault of the sample, so that no policy for bad samples may swallow it.
template <class Body>
void not_the_sample(const Body &body) {
  try {
    body();
  } catch (const Error &error) {
    if (error.status() != Status::kDataLoss && error.status() != Status::kInvalidArgument) throw;
    Error told(Status::kFailedPrecondition, error.message());
    for (const std::string &note : error.notes()) told.note(note);
    throw told;
  }
}

}  // namespace halftone::calibration
