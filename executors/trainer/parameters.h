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

const Shape &shape_of(const Program &program, const Parameter &parameter);
// What is held of it.
const float *source_of(const Program &program, const Parameter &parameter);
// What its quantizer is given: folded where it belongs to a folded normalization.
std::vector<float> folded_source(const Program &program, const Parameter &parameter);
inline Fold &fold_of(const Program &program, const Parameter &parameter) {
  return *program.folds[static_cast<std::size_t>(parameter.fold)];
}

// Makes what the steps see, in the soft form or the final one.
void refresh_parameters(const sdk::Context &ctx, Program &program, bool soft, const ParameterTerms &terms);

// Adds the gradients that the shards left, in their order, to those of what is learned. Returns what regularizers add
// to the loss.
double collect_gradients(const sdk::Context &ctx, Program &program, std::vector<ShardRun> &runs,
                         const ParameterTerms &terms);

// The weight that the model is to store for a parameter.
std::vector<float> deployed(const Program &program, const Parameter &parameter);

}  // namespace halftone::trainer
