// The nodes and configs of one residue.
#pragma once

#include <span>

#include "layer.h"

namespace residual {

// y = Layer(x) becomes y = Layer(x) + Layer'(x of these channels), where Layer' has `layer.residue(kept)` and, where
// the operator can have one, this bias. All that is new belongs to the quantization points that were there: the sum of
// both is quantized where that of one was. Gives the config of the new weight, which has no scale yet. Throws where
// activations are calibrated already.
ht_handle insert_residue(const sdk::Context &ctx, const Layer &layer, std::span<const std::int64_t> kept,
                         std::span<const double> bias);

}  // namespace residual
