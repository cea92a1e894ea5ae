// For how many epochs folded normalizations go by the batch, before they are frozen.
#pragma once

#include <string>

#include "halftone/status.hpp"
#include "network_recipe.h"

namespace halftone::passes {

// What the parameters alone tell; how many epochs `steps` are depends on the data.
inline void check_norm_epochs(const NetworkRecipe &recipe) {
  if (recipe.batch_norm_epochs == 0) return;
  const std::string given = "`batch_norm_epochs` is " + std::to_string(recipe.batch_norm_epochs);
  if (recipe.batch_norm == NormTraining::kFreeze) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, given +
                                                ", and `batch_norm: freeze` freezes from the beginning; set "
                                                "`batch_norm: train`, or leave `batch_norm_epochs` out");
  }
  if (recipe.steps == 0 && recipe.batch_norm_epochs > recipe.epochs) {
    const std::string epochs = std::to_string(recipe.epochs);
    throw sdk::Failure(HT_INVALID_ARGUMENT, given + ", and the training has " + epochs + " epochs; give at most " +
                                                epochs + ", or 0 for all");
  }
}

// Where no normalization goes by the batch; `weights_may` says whether one could with such weights.
inline void check_norms_are_trained(const NetworkRecipe &recipe, bool weights_may) {
  if (recipe.batch_norm_epochs == 0) return;
  std::string why = "nothing that is learned is a weight that fold-batch-norm folded a normalization into; leave";
  if (!weights_may) {
    why = "a weight that is stored as `" + recipe.weights.method + "` rounds it is no normalization's any more; leave";
  } else if (recipe.batch_norm == NormTraining::kDeclared) {
    why =
        "no fusion says `trainable: scale-factor` of a normalization that can be trained; set `batch_norm: train`, or "
        "leave";
  }
  throw sdk::Failure(HT_INVALID_ARGUMENT, "`batch_norm_epochs` is " + std::to_string(recipe.batch_norm_epochs) +
                                              ", and " + why + " `batch_norm_epochs` out");
}

// The step before which they are frozen; `steps` where they never are.
inline std::uint64_t norm_steps(const NetworkRecipe &recipe, std::uint64_t steps_per_epoch, std::uint64_t steps) {
  if (recipe.batch_norm_epochs == 0) return steps;
  const std::uint64_t epochs = (steps + steps_per_epoch - 1) / steps_per_epoch;
  if (recipe.batch_norm_epochs > epochs) {
    const std::string most = std::to_string(epochs);
    throw sdk::Failure(HT_INVALID_ARGUMENT, "`batch_norm_epochs` is " + std::to_string(recipe.batch_norm_epochs) +
                                                ", and the " + std::to_string(steps) + " steps are " + most +
                                                " epochs; give at most " + most + ", or 0 for all");
  }
  return recipe.batch_norm_epochs * steps_per_epoch;
}

}  // namespace halftone::passes
