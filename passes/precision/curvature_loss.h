// The loss whose second derivatives are taken: which value of the model it is of, and what it is compared with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "halftone/pass.hpp"
#include "halftone/training.hpp"

namespace halftone::passes {

// What was asked for, before the model and the labels are known.
struct CurvatureLossChoice {
  std::string loss;             // "auto", "cross-entropy", "kl", "mse"
  std::int64_t axis = -1;       // of the classes; negative: counted from the last
  std::vector<std::string> at;  // names of values; empty: the results of the model
};

struct CurvatureLoss {
  std::uint32_t kind = HT_LOSS_MSE;  // HT_LOSS_*
  std::vector<ht_handle> outputs;    // of classes: one, of logits
  std::vector<std::int64_t> labels;  // of cross-entropy, by sample
  std::uint64_t axes = 0;            // as in ht_train_loss
  std::string words;                 // "cross-entropy", for a table
};

// Classes come from a Softmax or are scores as they are: where a result is made by Softmax or LogSoftmax, the loss is
// of what that reads. Throws Failure for cross-entropy without labels and for values that are not there.
CurvatureLoss curvature_loss(const sdk::Context &ctx, const CurvatureLossChoice &choice);

}  // namespace halftone::passes
