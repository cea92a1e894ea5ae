// How good a network is on chosen samples, rounded as it will be stored.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "halftone/training.hpp"
#include "network_losses.h"

namespace halftone::passes {

// All are better when lower.
struct NetworkScore {
  double loss = 0;    // weighted sum of the losses
  double noise = 0;   // squared error over the power of the float network's outputs, mean over outputs
  double misses = 0;  // part of the samples whose winner is not the label, or without labels not the float network's

  double by(Measure measure) const {
    return measure == Measure::kLoss ? loss : measure == Measure::kTop1 ? misses : noise;
  }
  // Equal hits are told apart by the loss.
  bool better_than(const NetworkScore &other, Measure measure) const {
    if (by(measure) != other.by(measure)) return by(measure) < other.by(measure);
    return measure == Measure::kTop1 && loss < other.loss;
  }
};

// Evaluates sessions on these samples, in batches of one class each.
class NetworkScorer {
 public:
  NetworkScorer(const NetworkPart &part, const NetworkData &data, const NetworkLosses &losses,
                std::vector<std::uint64_t> samples, std::uint64_t batch);
  NetworkScore score(const sdk::Context &ctx, const sdk::TrainingSession &session);

 private:
  struct Sums;
  const NetworkPart &part_;
  const NetworkData &data_;
  NetworkBatch batch_;
  std::vector<std::vector<std::uint64_t>> groups_;  // of samples that make a batch
};

}  // namespace halftone::passes
