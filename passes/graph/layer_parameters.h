// Weights and biases of layers that multiply their input by a weight and add a bias.
#pragma once

#include <cstdint>
#include <optional>

#include "halftone/graph.hpp"
#include "halftone/stored_tensor.hpp"

namespace halftone::passes {

// Layers that multiply their input by a weight of slot 1 and add a bias of slot 2.
bool has_weight_and_bias(const sdk::Node &node);
// How many output channels such a layer has, from its weight.
std::int64_t output_channels(const sdk::Graph &graph, const sdk::Node &node, const sdk::StoredTensor &weight);

// The bias of slot 2 per output channel; zeros when there is none. Nothing when it is not constant or not per channel.
std::optional<sdk::StoredTensor> read_bias(const sdk::Graph &graph, const sdk::Node &node, std::int64_t channels,
                                           ht_dtype dtype_without_bias);

// By what the layer multiplies its bias: Gemm's beta. Where the layer adds nothing now, because it has no bias or beta
// is 0, the answer is 1 and `bias` becomes zeros; set_bias_factor() then makes it so.
double bias_factor(const sdk::Graph &graph, const sdk::Node &node, sdk::StoredTensor &bias);
void set_bias_factor(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node, double factor);

// Removes `gone`, whose only data input comes from `kept`, and lets `kept` produce the value that `gone` produced, so
// that its name stays.
void take_over_output(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle kept, ht_handle gone);

}  // namespace halftone::passes
