// The losses of a network, and batches of its data with a target for each.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "../joined_samples.h"
#include "halftone/training.hpp"
#include "network_data.h"
#include "network_recipe.h"

namespace halftone::passes {

class NetworkLosses {
 public:
  // Throws where a loss is asked for that the data or the outputs do not serve.
  NetworkLosses(const sdk::Context &ctx, const NetworkPart &part, const NetworkData &data, const NetworkRecipe &recipe);
  void declare(sdk::TrainingSetup &setup) const;

 private:
  friend class NetworkBatch;
  struct Loss {
    std::uint32_t kind;
    std::size_t output;  // of the part
    float weight, parameter;
  };
  void require_labels(const sdk::Graph &graph) const;
  void require_classes(const sdk::Graph &graph, std::size_t output) const;

  const NetworkPart &part_;
  const NetworkData &data_;
  std::vector<Loss> losses_;
};

class NetworkBatch {
 public:
  NetworkBatch(const NetworkLosses &losses, const NetworkData &data);
  // Samples of one class. Valid until the next call.
  void fill(std::span<const std::uint64_t> samples, sdk::TrainingBatch &batch);
  // The float network's outputs of these samples.
  const float *target(std::size_t output) { return targets_[output].floats().data(); }

 private:
  const NetworkLosses &losses_;
  const NetworkData &data_;
  std::vector<JoinedSamples> inputs_, targets_;  // targets_: by output
  std::vector<std::int64_t> labels_, label_shape_;
};

}  // namespace halftone::passes
