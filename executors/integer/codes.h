// Tensors of codes: between their stored types and numbers.
#pragma once

#include "format.h"
#include "halftone/executor.hpp"
#include "requantize.h"
#include "tensor.h"

namespace halftone::integer {

// Calls body with a null pointer of the type that holds codes.
template <typename Body>
void with_code_type(ht_dtype dtype, Body &&body) {
  switch (dtype) {
    case HT_U8:
      return body(static_cast<std::uint8_t *>(nullptr));
    case HT_I8:
      return body(static_cast<std::int8_t *>(nullptr));
    case HT_U16:
      return body(static_cast<std::uint16_t *>(nullptr));
    case HT_I16:
      return body(static_cast<std::int16_t *>(nullptr));
    default:
      throw sdk::Failure(HT_INTERNAL, "no codes are held in this type");
  }
}

// out[i] = code(i).
template <typename Code>
void store_codes(Tensor &out, Code &&code) {
  with_code_type(out.dtype(), [&]<typename T>(T *) {
    T *to = out.data<T>();
    for (std::int64_t i = 0, n = out.count(); i < n; ++i) to[i] = static_cast<T>(code(i));
  });
}

// Codes that lie with the channels last, in the order of their shape.
Tensor row_major(const ht_tensor_view &channels_last);
// The reverse.
Tensor channels_last(const ht_tensor_view &row_major);
// code - zero, in float32 or float64.
Tensor centred(const ht_tensor_view &codes, const Format &format, ht_dtype wide);
// The reverse, of float32.
Tensor moved_codes(const Tensor &centred, const Format &format);
// Codes of float32 values.
Tensor quantized(const sdk::Context &ctx, const ht_tensor_view &floats, const Format &format);
void limit_codes(Tensor &codes, Limits limits);
// Integers in float64, times 2^20 and a multiplier.
void rescale(Tensor &integers, const FixedPoint &real, Multiplier form);
// Integers, or means of integers, in float64 to codes.
Tensor requantized_each(const Tensor &numbers, const Requantizer &to, bool means, ht_dtype dtype);

}  // namespace halftone::integer
