// The type of a value as far as the nodes before it tell, where ONNX's inference gave up on a computed shape.
#pragma once

#include "halftone/graph.hpp"

namespace halftone::passes {

// The value's own type where its rank is known. Otherwise what a Reshape before it was given, also as a Concat of
// constants and single unknown extents, followed through Transpose, sums, products and operators that keep the shape.
// Unknown extents are -1.
ht_tensor_info written_shape(const sdk::Graph &graph, ht_handle value);

}  // namespace halftone::passes
