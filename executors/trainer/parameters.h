// Parameters before and after a batch: what the steps see of them, and what their gradients mean for what is learned.
#pragma once

#include <vector>

#include "program.h"

namespace halftone::trainer {

// Numbers of ht_train_batch that concern parameters.
struct ParameterTerms {
  Regularization rounding;
  float quantization_weight = 0;
  std::uint64_t seed = 0, step = 0;
};

// Makes what the steps see, in the soft form or the final one.
void refresh_parameters(const sdk::Context &ctx, Program &program, bool soft, const ParameterTerms &terms);

// Adds the gradients that the shards left, in their order, to those of what is learned. Returns what regularizers add
// to the loss.
double collect_gradients(const sdk::Context &ctx, Program &program, std::vector<ShardRun> &runs,
                         const ParameterTerms &terms);

// The weight that the model is to store for a parameter.
std::vector<float> deployed(const Program &program, const Parameter &parameter);

}  // namespace halftone::trainer
