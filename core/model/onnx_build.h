// A Model as a ModelProto: the sidecar's message, patched where the model was edited.
#pragma once

#include <functional>
#include <unordered_map>

#include "core/model/model.h"
#include "core/model/onnx_proto.h"

namespace halftone::model {

// Where a constant stands: the weights of a graph may move to another file, an attribute's must stay.
enum class ConstantPlace { kInitializer, kAttribute };

// Puts a constant into its message, which has its name already.
using ConstantWriter = std::function<void(const Tensor &, onnx::TensorProto &, ConstantPlace)>;

using GraphMessages = std::unordered_map<Handle, onnx::GraphProto *>;

// `graphs`, when given, tells which message inside `proto` each graph became.
void build_proto(const Model &model, const ConstantWriter &write, onnx::ModelProto &proto,
                 GraphMessages *graphs = nullptr);

}  // namespace halftone::model
