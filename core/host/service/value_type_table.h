// The table of the service value_type.
#pragma once

#include "halftone/value_type.h"

namespace halftone::host {

const ht_value_type *value_type_table();

}  // namespace halftone::host
