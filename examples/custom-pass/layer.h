// A weighted layer: its stored weight as a matrix of input channels by everything else, and what quantizing it loses.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "halftone/pass.hpp"
#include "halftone/stored_tensor.hpp"

namespace residual {

namespace sdk = halftone::sdk;

struct Layer {
  ht_handle node = HT_NONE;
  ht_handle input = HT_NONE;  // the value that it reads
  ht_handle weight_config = HT_NONE;
  sdk::StoredTensor weight;
  std::size_t input_axis = 1;   // of the weight: which index counts input channels
  std::size_t output_axis = 0;  // and which counts output channels
  std::uint32_t data_axis = 1;  // of the data: where its channels lie
  std::vector<double> loss;     // weight minus quantized weight, in the weight's own order

  std::size_t channels() const { return static_cast<std::size_t>(weight.extent(input_axis)); }
  // The part of `loss` that these input channels have: a weight of its own.
  sdk::StoredTensor residue(std::span<const std::int64_t> kept) const;
  // What the other channels' loss adds to each output on average, with these means of the input channels.
  std::vector<double> mean_loss(std::span<const std::int64_t> kept, std::span<const double> means) const;
  // For each input channel, the sum of squares of `loss`.
  std::vector<double> squared_loss() const;
};

// Conv without groups, Gemm and MatMul with a stored float weight that is quantized to at most `most_bits` bits;
// nothing for other nodes.
std::optional<Layer> layer_at(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::Configs &configs,
                              ht_handle node, std::uint32_t most_bits);

}  // namespace residual
