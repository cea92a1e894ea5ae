// The nodes of all graphs of a model.
#pragma once

#include <vector>

#include "core/model/model.h"

namespace halftone::model {

// In topological order graph by graph: the main graph first, then bodies depth first.
std::vector<Handle> every_node(const Model &model);

}  // namespace halftone::model
