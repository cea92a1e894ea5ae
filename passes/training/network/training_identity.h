// What a training is of, for its checkpoint.
#pragma once

#include "training_checkpoint.h"

namespace halftone::passes {

TrainingIdentity identify_training(const sdk::Context &ctx, const NetworkData &data, const NetworkRecipe &recipe);

}  // namespace halftone::passes
