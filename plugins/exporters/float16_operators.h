// Which operators may compute in float16.
#pragma once

#include <cstdint>
#include <string_view>

namespace halftone::exporters {

// Operators of ai.onnx whose floating-point inputs and outputs may all be float16 from opset 13 on, or since they
// exist; none that makes a tensor from nothing or says an element type in an attribute.
bool has_float16_form(std::string_view op_type);

// Inputs that stay float32 whatever the operator computes in.
bool stays_float32(std::string_view op_type, std::uint32_t slot);

}  // namespace halftone::exporters
