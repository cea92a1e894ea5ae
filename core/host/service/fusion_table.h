// The tables of the service fusion.
#pragma once

#include "halftone/fusion.h"

namespace halftone::host {

const ht_fusion *fusion_table();
const ht_fusion *fusion_reading_table();  // for a component that may not edit the model

}  // namespace halftone::host
