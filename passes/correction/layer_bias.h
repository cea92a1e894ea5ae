// The bias of a layer: its own slot, or that of the Add behind a MatMul.
#pragma once

#include <vector>

#include "layers.h"

namespace halftone::passes {

struct LayerBias {
  ht_handle node = HT_NONE;  // whose slot holds it; HT_NONE: the layer can have none
  std::uint32_t slot = 2;
  bool present = false;
  double factor = 1;           // by which the node multiplies it: Gemm's beta
  ht_handle output = HT_NONE;  // the value that it is added to
  std::int32_t axis = 1;       // of that value's channels
  std::vector<float> values;   // one for each output channel, zeros where there is none
};

LayerBias find_bias(const sdk::Graph &graph, const Layer &layer);

// Stores `values`; a layer without bias gets one, with the config that the platform has for it.
void store_bias(const sdk::Context &ctx, const Layer &layer, LayerBias &bias, const std::vector<float> &values);

// The value behind the activation that follows, where it is the only reader of `value`; else `value`.
ht_handle behind_activation(const sdk::Graph &graph, ht_handle value);

}  // namespace halftone::passes
