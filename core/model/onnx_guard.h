// Nodes that libonnx's shape inference must not see, because it would take the process down instead of reporting them.
#pragma once

#include "core/model/model.h"
#include "core/model/onnx_proto.h"

namespace halftone::model {

// False for attributes out of range and ranks that do not fit, in the operators whose inference functions index or
// divide by them unchecked. Found by feeding damaged models; the list holds for onnx 1.12 and may be shorter later.
bool is_safe_to_infer(const onnx::NodeProto &node, Handle graph, const Model &model);

}  // namespace halftone::model
