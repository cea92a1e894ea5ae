// Static types between TypeProto and ValueType.
#pragma once

#include "core/model/model.h"
#include "core/model/onnx_proto.h"

namespace halftone::model {

// An optional tensor has the type of the tensor. A type that is none gives HT_DTYPE_NONE without shape.
ValueType read_type(const onnx::TypeProto &proto);

// Leaves the message alone where it says the same already, or where the type is unknown to us.
void write_type(const ValueType &type, onnx::TypeProto &proto);

bool same_type(const ValueType &a, const ValueType &b);

}  // namespace halftone::model
