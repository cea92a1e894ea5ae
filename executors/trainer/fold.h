// A normalization that was folded into a layer and is taken up again while the layer is trained.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "halftone/weight_channels.hpp"

namespace halftone::trainer {

// With s = gamma / sqrt(variance + epsilon), by the running statistics from before the batch, the layer computes with
// the weight W * s and the bias (b - mean) * s + beta: this is what the model stores. W and b are held, and learned.
struct Fold {
  ht_handle node = HT_NONE;
  std::string name;       // how errors name the layer
  bool by_batch = false;  // while learning; else by the running statistics
  double epsilon = 0, momentum = 0;
  double bias_factor = 1;  // the layer adds its bias times this: Gemm's beta
  sdk::WeightChannels channels;
  std::vector<float> gamma, beta, mean, variance;
  int weight = -1, bias = -1;       // parameters
  std::vector<float> given_weight;  // not folded, while the session is opened
  int gamma_learned = -1, beta_learned = -1;

  // Made for each batch.
  std::vector<double> deviation, factor;  // sqrt(variance + epsilon), s
  // Channels in which dividing by s means nothing: s itself is lost, or quantization left nothing of the weight. There
  // the statistics of the batch are those behind W as it is (arXiv:1806.08342, and PyTorch's slow path).
  std::vector<char> apart;
  bool any_apart = false;

  std::size_t count() const { return gamma.size(); }
  void find_factors();
  bool factor_is_lost(std::size_t channel) const;

  std::vector<float> folded_weight(std::span<const float> w) const;
  std::vector<float> folded_bias(std::span<const float> b) const;
  // The inverse. A weight that cannot be divided by its factor stays what `w` is; where the factor is lost, what a bias
  // adds goes into beta.
  void unfold_weight(std::span<const float> stored, std::span<float> w) const;
  void unfold_bias(std::span<const float> stored, std::span<float> b);

  // Gradients with respect to W and b from those with respect to the folded ones, in place; what flows into gamma and
  // beta is added, one sum per channel.
  void unfold_weight_gradient(std::span<const float> w, std::span<float> gradient, std::span<double> gamma_sums) const;
  void unfold_bias_gradient(std::span<const float> b, std::span<float> gradient, std::span<double> gamma_sums,
                            std::span<double> beta_sums) const;

  // After `seen` was made of the weight: which channels it can be divided in.
  void find_apart(std::span<const float> w, std::span<const float> seen);
};

}  // namespace halftone::trainer
