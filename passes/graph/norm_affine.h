// BatchNormalization at inference: y = factor * x + offset, per channel.
#pragma once

#include <optional>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::passes {

struct NormAffine {
  std::vector<double> factor, offset;
  ht_dtype dtype = HT_F32;
};

// One data output, running statistics as inputs.
bool is_inference_norm(const sdk::Graph &graph, const sdk::Node &node);

// Nothing when a constant is not stored in the model or a factor is not finite.
std::optional<NormAffine> read_norm_affine(const sdk::Graph &graph, const sdk::Node &node);

// The rank of what it normalizes, 0 when it is not known.
std::size_t norm_rank(const sdk::Graph &graph, const sdk::Node &node);

// A depthwise convolution of kernel 1 in the node's place. `rank` is at least 3.
void put_depthwise_conv(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle norm, const NormAffine &affine,
                        std::size_t rank);
// Mul and Add in the node's place. `rank` is at least 2.
void put_mul_add(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle norm, const NormAffine &affine,
                 std::size_t rank);

}  // namespace halftone::passes
