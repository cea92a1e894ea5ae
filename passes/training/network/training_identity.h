// What a training is of, for its checkpoint.
#pragma once

#include "folded_layers.h"
#include "training_checkpoint.h"

namespace halftone::passes {

// `by_batch`: the layers whose normalizations are trained by the batch, which fusions decide about too.
TrainingIdentity identify_training(const sdk::Context &ctx, const NetworkData &data, const NetworkRecipe &recipe,
                                   const FoldedLayers &by_batch);

}  // namespace halftone::passes
