// What another form in a place of a fusion would lose.
#pragma once

#include "core/pipeline/fusion_place.h"

namespace halftone::pipeline {

// What a remedy depends on.
struct Folding {
  bool is_done = false;    // fold-batch-norm has run
  bool runs_here = false;  // the form is what runs in the place: fuse-operators puts it there
};

// A form reads the values around a place and nothing inside it, so that what the nodes of the place read has to come
// from there as the pattern says: passes in between may have left a normalization as it is, or put nodes into the
// place, or taken some away. Throws FailedPrecondition with the node that would be lost and what to do.
void require_nothing_lost(const model::Model &model, const FusionSpec &fusion, const FusionPlace &place,
                          const Folding &folding);

}  // namespace halftone::pipeline
