// What the linked libonnx knows of operators.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/model/onnx_proto.h"

namespace halftone::model {

// Highest known version of a domain, 0 for a domain that libonnx does not know.
std::int64_t linked_version(std::string_view domain);
std::int64_t linked_ir_version();

// Why an unknown operator may be unknown: " (it exists since opset 20)", " (did you mean 'Conv'?)" or "".
std::string unknown_operator_hint(std::string_view domain, std::string_view op_type);

// False when the node has inputs, outputs or attributes other than its schema says: it is broken, or it is of an opset
// newer than linked and follows a schema that is not known here. Attributes that an exporter added to an operator of a
// known opset are dropped from the message: they are no obstacle.
bool fit_to_known_schema(onnx::NodeProto &node, std::int64_t opset);

}  // namespace halftone::model
