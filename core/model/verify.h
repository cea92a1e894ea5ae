// The structural checks that run after import and after every pass.
#pragma once

#include <string>
#include <vector>

#include "core/model/model.h"

namespace halftone::model {

// Every broken rule as one sentence naming the node or value: acyclic, names unique and not empty, every input has a
// producer, an initializer, is a graph input or belongs to an outer graph, every output of a graph is produced.
std::vector<std::string> find_faults(const Model &model);

// Throws FailedPrecondition with the first fault and the count of the others.
void verify(const Model &model);

}  // namespace halftone::model
