// The floating-point element types other than float32, their names and ONNX's numbers for them, and stored tensors of
// them as float32.
#pragma once

#include <cstdint>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::passes {

inline constexpr std::int64_t kOnnxFloat32 = 1;

// HT_DTYPE_NONE for numbers of other types.
ht_dtype other_float_of_onnx(std::int64_t number);
std::int64_t onnx_number(ht_dtype dtype);
const char *float_name(ht_dtype dtype);

// The elements of a plain tensor of float16, bfloat16 or float64. A finite float64 that float32 cannot hold becomes the
// largest number of its sign and is counted in `clipped`.
std::vector<float> as_float32(const ht_tensor_view &tensor, std::size_t &clipped);

}  // namespace halftone::passes
