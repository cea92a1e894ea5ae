// A file with QuantizeLinear and DequantizeLinear nodes as the float model with configs that it stands for.
#pragma once

#include <cstddef>

#include "core/host/context.h"

namespace halftone::pipeline {

struct QdqImport {
  std::size_t activations = 0, parameters = 0;  // quantization points that became configs
  std::size_t kept = 0;                         // QuantizeLinear and DequantizeLinear nodes that stay nodes
};

// A pair of QuantizeLinear and DequantizeLinear becomes a config of the slot before it (the producer's output, where
// nothing else reads that in float) or of the slots behind it; a stored tensor with a DequantizeLinear becomes a float
// parameter with baked configs. The pair's nodes go. Bodies of If, Loop and Scan are read alike, and a pair may stand
// on both sides of a body's border. Kept are nodes whose scale or zero point is computed, whose codes are read by other
// operators, and blocked scales of float8. Simulated, the result computes what the nodes compute. A code of a 32-bit
// bias is held to the 24 bits that float32 has.
QdqImport import_qdq(host::WorkingModel &working);

}  // namespace halftone::pipeline
