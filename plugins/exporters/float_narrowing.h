// What is not quantized, in float16 instead of float32.
#pragma once

#include <vector>

#include "halftone/exporter.hpp"
#include "halftone/graph.hpp"
#include "qdq_plan.h"

namespace halftone::exporters {

// Nodes of the main graph that no quantization touches. To be asked before pairs are written.
std::vector<ht_handle> nodes_in_float(const sdk::Graph &graph, const QdqPlan &plan);

// The nodes among `in_float` whose operators ONNX defines for float16 compute in it: their stored tensors and the
// values between them are float16, Casts stand where they meet others. Quantized operators, scales, subgraphs, inputs
// and outputs of the model, and what computes shapes stay as they are.
void narrow_to_float16(const sdk::Context &ctx, const std::vector<ht_handle> &in_float);

}  // namespace halftone::exporters
