// The parameters by which a pass says what error it measures, and where.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "halftone/pass.hpp"
#include "output_loss.h"

namespace halftone::passes {

class LossChoice {
 public:
  LossChoice() = default;
  // Reads `loss`, `axis` and `at`.
  explicit LossChoice(const sdk::Args &args);
  static void declare(sdk::Params &params);

  // The values to look at: the results of the model, or those of `at`; of a loss of classes the first. Throws Failure
  // for one that is not there or that no operator makes.
  std::vector<ht_handle> values(const sdk::Context &ctx) const;
  // Of these, the results of Softmax.
  std::set<ht_handle> probabilities(const sdk::Context &ctx, const std::vector<ht_handle> &values) const;
  // Where the loss is of classes and the user gave labels; throws Failure for cross-entropy without any.
  std::vector<std::int64_t> labels(const sdk::Context &ctx) const;
  const LossOptions &options() const { return options_; }
  // "noise/signal", for a table.
  std::string words(bool labelled) const;

 private:
  LossOptions options_;
  std::vector<std::string> at_;
};

}  // namespace halftone::passes
