// What is not quantized, in a 16-bit float instead of float32.
#pragma once

#include <vector>

#include "halftone/exporter.hpp"
#include "halftone/graph.hpp"
#include "qdq_plan.h"

namespace halftone::exporters {

// Nodes of the main graph that no quantization touches. To be asked before pairs are written.
std::vector<ht_handle> nodes_in_float(const sdk::Graph &graph, const QdqPlan &plan);

// The nodes among `in_float` whose operators ONNX defines for this type, HT_F16 or HT_BF16, in the model's opset
// compute in it: their stored tensors and the values between them have it, Casts stand where they meet others.
// Quantized operators, scales, subgraphs, inputs and outputs of the model, and what computes shapes stay as they are.
void narrow_floats(const sdk::Context &ctx, const std::vector<ht_handle> &in_float, ht_dtype type);

}  // namespace halftone::exporters
