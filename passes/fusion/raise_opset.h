// Brings a model to a newer opset of ai.onnx, for operators that older ones lack.
#pragma once

#include <cstdint>

#include "halftone/graph.hpp"

namespace halftone::passes {

// Changes the few operators whose form changed on the way, so that the model computes what it did, in subgraphs too.
// Does nothing when the model is there already. From 13 or newer to 20 at most.
void raise_opset(const sdk::Graph &graph, const sdk::GraphEdit &edit, std::int64_t version);

}  // namespace halftone::passes
