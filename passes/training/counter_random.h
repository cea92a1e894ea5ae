// Random numbers of training: those of the SDK.
#pragma once

#include "halftone/counter_random.hpp"

namespace halftone::passes {

using sdk::below;
using sdk::mixed;
using sdk::unit_float;

}  // namespace halftone::passes
