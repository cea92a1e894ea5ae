// Which operators may compute in bfloat16, which many got much later than float16.
#pragma once

#include <cstdint>
#include <string_view>

namespace halftone::exporters {

// Operators of ai.onnx that has_float16_form() knows and whose floating-point inputs and outputs may all be bfloat16 in
// this opset.
bool has_bfloat16_form(std::string_view op_type, std::int64_t opset);

}  // namespace halftone::exporters
