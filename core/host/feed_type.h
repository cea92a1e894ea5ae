// Fed tensors in the floating-point type that a model takes.
#pragma once

#include "core/host/context.h"

namespace halftone::host {

// A plain tensor of float32, float64, float16 or bfloat16 in another of these types, in the context's arena; without
// data where `tensor` has none. The tensor itself where the types are equal or one of them is none of these. float16
// and bfloat16 are rounded to nearest.
ht_tensor_view in_float_type(Context &ctx, const ht_tensor_view &tensor, ht_dtype wanted);

}  // namespace halftone::host
