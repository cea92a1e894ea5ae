// Functions of a model file in place of their calls.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "core/model/onnx_io.h"

namespace onnx {
class ModelProto;
}

namespace halftone::model {

// Says of an operator of a domain that libonnx knows whether it must be replaced by the function that the specification
// gives for it, where it gives one: because nothing runs the operator itself.
using NeedsFunction = std::function<bool(std::string_view domain, std::string_view op_type, std::int64_t opset)>;

// Reads a model to run or to edit it: as import_onnx(), with functions in place of their calls. What import_onnx()
// reads keeps its functions, and comes out as it went in.
ImportResult import_onnx_expanded(const std::filesystem::path &path, const NeedsFunction &needs);
ImportResult import_onnx_bytes_expanded(std::string_view bytes, const NeedsFunction &needs,
                                        const std::filesystem::path &folder = {});

// Replaces every call of a model-local function by the function's nodes, in bodies and in functions too, and drops the
// functions; likewise operators that `needs` names; it may be empty. Values inside get names of their own. Throws
// InvalidArgument for a function that calls itself and for more than a million nodes, Unimplemented for one whose
// operators mean something else in the model's opset.
void expand_functions(onnx::ModelProto &proto, const NeedsFunction &needs);

}  // namespace halftone::model
