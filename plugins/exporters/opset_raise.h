// Raises a model's opset where the types of quantized tensors need a newer one than the model imports.
#pragma once

#include <cstdint>

#include "halftone/exporter.hpp"

namespace halftone::exporters {

// From opset 13 or later to at most 21: rewrites the operators whose form changed in between. Throws naming the node
// where the old form has no equal in the new one.
void raise_opset(const sdk::Context &ctx, std::int64_t wanted);

}  // namespace halftone::exporters
