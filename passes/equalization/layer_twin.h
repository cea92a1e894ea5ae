// A second layer beside or behind one that is there, with the same attributes.
#pragma once

#include <string>
#include <vector>

#include "weighted_layer.h"

namespace halftone::passes {

// Copies what Conv, ConvTranspose and Gemm have as attributes, except those named.
void copy_attributes(const sdk::Graph &graph, const sdk::GraphEdit &edit, ht_handle from, ht_handle to,
                     const std::vector<std::string> &except = {});

// Turns y = layer(x) into y = Add(layer(x), twin(x)), where the twin has this weight and no bias. `layer` keeps its
// weight; y keeps its name.
void add_parallel_layer(const sdk::Graph &graph, const sdk::GraphEdit &edit, const WeightedLayer &layer,
                        const StoredTensor &weight);

}  // namespace halftone::passes
