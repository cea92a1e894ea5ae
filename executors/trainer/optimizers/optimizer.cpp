#include "optimizer.h"

#include <cmath>
#include <string>

#include "adam.h"
#include "halftone/status.hpp"

namespace halftone::trainer {
namespace {

void check_range(const char *name, float value, float low, float high, bool with_high) {
  if (value >= low && (with_high ? value <= high : value < high)) return;
  throw sdk::Failure(HT_INVALID_ARGUMENT, std::string("the optimizer's ") + name + " is " + std::to_string(value) +
                                              "; it has to be from " + std::to_string(low) +
                                              (with_high ? " to " : " to below ") + std::to_string(high));
}

}  // namespace

Optimizer::Optimizer(const ht_optimizer &options) : options_(options) {
  check_range("weight_decay", options.weight_decay, 0, 1e6F, true);
  if (options.kind == HT_OPTIMIZER_SGD) {
    check_range("momentum", options.momentum, 0, 1, false);
    if (options.nesterov != 0 && options.nesterov != 1) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the optimizer's nesterov is 0 or 1");
    }
    return;
  }
  if (options.kind != HT_OPTIMIZER_ADAM) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       "unknown kind of optimizer " + std::to_string(options.kind) + "; known are 1 and 2");
  }
  check_range("beta1", options.beta1, 0, 1, false);
  check_range("beta2", options.beta2, 0, 1, false);
  check_range("epsilon", options.epsilon, 0, 1, true);
}

ht_optimizer Optimizer::default_options() {
  ht_optimizer options{};
  options.struct_size = sizeof(options);
  options.kind = HT_OPTIMIZER_ADAM;
  options.beta1 = 0.9F;
  options.beta2 = 0.999F;
  options.epsilon = 1e-8F;
  return options;
}

void Optimizer::step(std::span<float> values, std::span<const float> gradients, OptimizerState &state, float rate,
                     bool decays) const {
  state.first.resize(values.size(), 0.0F);
  if (options_.kind == HT_OPTIMIZER_ADAM) state.second.resize(values.size(), 0.0F);
  ++state.steps;
  const float decay = decays ? options_.weight_decay : 0.0F;
  if (options_.kind == HT_OPTIMIZER_SGD) {
    step_sgd(values, gradients, state, rate, decay);
  } else {
    step_adam(values, gradients, state, rate, decay);
  }
}

void Optimizer::step_sgd(std::span<float> values, std::span<const float> gradients, OptimizerState &state, float rate,
                         float decay) const {
  const float momentum = options_.momentum, ahead = options_.nesterov;
  float *velocity = state.first.data();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float g = gradients[i] + decay * values[i];
    velocity[i] = momentum * velocity[i] + g;
    const float move = ahead != 0.0F ? g + momentum * velocity[i] : velocity[i];
    values[i] -= rate * move;
  }
}

void Optimizer::step_adam(std::span<float> values, std::span<const float> gradients, OptimizerState &state, float rate,
                          float decay) const {
  const double steps = static_cast<double>(state.steps);
  const double left1 = 1 - std::pow(static_cast<double>(options_.beta1), steps);
  const double left2 = 1 - std::pow(static_cast<double>(options_.beta2), steps);
  AdamTerms terms;
  terms.beta1 = options_.beta1;
  terms.beta2 = options_.beta2;
  terms.epsilon = options_.epsilon;
  terms.decay = decay;
  terms.rate = static_cast<float>(static_cast<double>(rate) / left1);
  terms.root = static_cast<float>(std::sqrt(left2));
  adam_step(terms, gradients.data(), state.first.data(), state.second.data(), values.data(), values.size());
}

double squared_norm(std::span<const float> gradients) {
  constexpr std::size_t kPartial = 16;
  double partial[kPartial] = {}, sum = 0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const double g = static_cast<double>(gradients[i]);
    partial[i % kPartial] += g * g;
  }
  for (const double part : partial) sum += part;
  return sum;
}

double clip_factor(double norm, float clip) {
  return clip > 0.0F && norm > static_cast<double>(clip) ? static_cast<double>(clip) / norm : 1.0;
}

}  // namespace halftone::trainer
