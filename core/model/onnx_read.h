// Bytes to ModelProto, with an explanation when they are something else.
#pragma once

#include <cstddef>
#include <span>

#include "core/model/onnx_proto.h"

namespace halftone::model {

void read_model_proto(std::span<const std::byte> bytes, onnx::ModelProto &proto);

}  // namespace halftone::model
