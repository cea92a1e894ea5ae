// The table of the service cost.
#pragma once

#include "halftone/cost.h"

namespace halftone::host {

const ht_cost *cost_table();

}  // namespace halftone::host
