// A tensor that owns its memory, while a sample is computed or as long as a session lives.
#pragma once

#include "halftone/owned_tensor.hpp"
#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {

using Tensor = sdk::OwnedTensor;

}  // namespace halftone::reference
