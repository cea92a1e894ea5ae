// Element types: sizes, names and the mapping to ONNX's numbers. The codes are those of halftone/tensor.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "halftone/tensor.h"

namespace halftone::model {

// Bits an element occupies; 0 for strings and unknown types.
std::size_t dtype_bits(ht_dtype dtype);
// Bytes that `count` elements occupy; narrow types are packed, the last byte padded.
std::size_t dtype_bytes(ht_dtype dtype, std::int64_t count);
// "float32", "int8", "float8e4m3fn"; "none" for unknown codes.
std::string_view dtype_name(ht_dtype dtype);
bool dtype_is_float(ht_dtype dtype);

// ONNX TensorProto.DataType numbers, as plain integers so that no protobuf header is needed here.
ht_dtype dtype_from_onnx(std::int32_t onnx_type);  // HT_DTYPE_NONE when unknown
std::int32_t dtype_to_onnx(ht_dtype dtype);        // 0 when unknown

}  // namespace halftone::model
