// Layers of a network with the normalization that was folded into them, as fold-batch-norm noted it.
#pragma once

#include <deque>
#include <vector>

#include "halftone/content_digest.hpp"
#include "halftone/folded_norm.hpp"
#include "halftone/training.hpp"
#include "network_part.h"

namespace halftone::passes {

class FoldedLayers {
 public:
  FoldedLayers(const sdk::Context &ctx, const NetworkPart &part);
  // Leaves out layers that are in no fusion which wants its normalizations trained by the batch (docs/fusions.md).
  void keep_declared(const sdk::Context &ctx);
  // Leaves out layers whose weight or bias is not among these.
  void keep_those_of(const std::vector<ht_handle> &values);
  bool empty() const { return layers_.empty(); }
  std::size_t count() const { return layers_.size(); }
  // Which layers these are.
  void add_to(sdk::ContentDigest &digest, const sdk::Graph &graph) const;
  // Weights and biases of the layers.
  std::vector<ht_handle> values() const;
  // To be normalized by the batch, or by the running statistics, which stay. This object has to live until the session
  // is open.
  void declare(sdk::TrainingSetup &setup, bool by_batch) const;
  // Leaves notes of what the session holds, for the weights and biases that the model stores by now. A layer gets none
  // where its weight cannot be told from the stored one: a channel's factor is lost, and the session learned the weight
  // (`weights_learned`) or no note has it. The old note is of other bytes then, and nobody takes it.
  void note(const sdk::Context &ctx, const sdk::TrainingSession &session, bool weights_learned) const;

 private:
  struct Layer {
    ht_handle node, weight, bias;
    sdk::FoldedNorm norm;
  };
  std::deque<Layer> layers_;
};

}  // namespace halftone::passes
