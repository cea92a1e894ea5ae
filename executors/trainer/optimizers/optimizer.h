// Optimizers: one step of one tensor, and the clipping of gradients.
//
// The state of a tensor is plain data: who holds it writes it into checkpoints with save_state(). Elements do not
// depend on each other, so a tensor may be stepped in pieces as long as step() is called for the whole of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "halftone/trainer.h"

namespace halftone::trainer {

// Empty before the first step. `first`: SGD's velocity or Adam's first moment; `second`: Adam's second moment.
struct OptimizerState {
  std::uint64_t steps = 0;
  std::vector<float> first, second;
};

class Optimizer {
 public:
  // Throws sdk::Failure (HT_INVALID_ARGUMENT): an unknown kind, a factor out of its range.
  explicit Optimizer(const ht_optimizer &options);
  // Adam with the values of Kingma and Ba: 0.9, 0.999, 1e-8.
  static ht_optimizer default_options();

  // Moves `values` against `gradients`, as many. `decays`: weight_decay * value is added to the gradient first. A rate
  // of 0 leaves values, but not the state, as they are.
  void step(std::span<float> values, std::span<const float> gradients, OptimizerState &state, float rate,
            bool decays) const;

 private:
  void step_sgd(std::span<float> values, std::span<const float> gradients, OptimizerState &state, float rate,
                float decay) const;
  void step_adam(std::span<float> values, std::span<const float> gradients, OptimizerState &state, float rate,
                 float decay) const;
  ht_optimizer options_;
};

// Sum of squares, in double, in an order that depends on the length only.
double squared_norm(std::span<const float> gradients);
// What gradients of this norm are multiplied by so that it is at most `clip`; 1 when clip is 0.
double clip_factor(double norm, float clip);

// Appends the state to `bytes`; reading takes it from the front of `bytes` and moves on. Throws sdk::Failure
// (HT_DATA_LOSS) when the bytes are cut short or hold a state of another number of elements (none is allowed: a state
// before its first step).
void save_state(const OptimizerState &state, std::vector<std::byte> &bytes);
OptimizerState read_state(std::span<const std::byte> &bytes, std::size_t elements);

}  // namespace halftone::trainer
