// Layers whose weight is a matrix for each group of channels: convolutions, Gemm and MatMul with a stored weight.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/pass.hpp"
#include "patches.h"

namespace halftone::passes {

// Element (group, output, column) of the weight lies at group * group_step + output * output_step + column / taps *
// channel_step + column % taps * tap_step.
struct MatrixLayout {
  std::size_t groups = 1, outputs = 1, columns = 1, taps = 1;
  std::size_t group_step = 0, output_step = 0, channel_step = 0, tap_step = 1;
  std::size_t offset(std::size_t group, std::size_t output, std::size_t column) const {
    return group * group_step + output * output_step + column / taps * channel_step + column % taps * tap_step;
  }
};

struct Layer {
  ht_handle node = HT_NONE, input = HT_NONE, output = HT_NONE;
  ht_handle weight_config = HT_NONE, input_config = HT_NONE;
  std::string name, op_type;
  MatrixLayout matrix;
  Window window;             // empty lists for Gemm and MatMul
  std::size_t channels = 0;  // of the input, of all groups
  bool convolves = false;
  std::size_t depth = 0;  // how many of the layers lie before it on the longest path
};

// The layer that a node is; nothing is left out for the state of its configs. False for other nodes, for weights that
// are not stored float32 and for forms that no matrix of one sample stands for (batched or transposed inputs).
bool read_layer(const sdk::Graph &graph, const sdk::Configs &configs, ht_handle node, Layer &layer);

// The layers with a live weight config of integers that has its own scale, in topological order; with `names`, those
// nodes alone. Without names the report says which operators of plug-ins are left. Throws for a name that is none of
// them, and for a weight that is baked already, naming `pass`.
std::vector<Layer> find_layers(const sdk::Context &ctx, const std::vector<std::string> &names, std::string_view pass);

// Layers of equal depth together, the first depth first: none of a group depends on another one of it.
std::vector<std::vector<const Layer *>> by_depth(const std::vector<Layer> &layers);

// Gives each layer its depth.
void find_depths(const sdk::Graph &graph, std::vector<Layer> &layers);

// The stored elements of an input slot; empty when there are none.
std::vector<float> stored_floats(const sdk::Graph &graph, ht_handle node, std::uint32_t slot);

// Makes an input slot read these floats in the shape of what it reads now. An initializer that other slots read too
// stays as it is for them.
void store_floats(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle node, std::uint32_t slot,
                  const std::vector<float> &values);

}  // namespace halftone::passes
