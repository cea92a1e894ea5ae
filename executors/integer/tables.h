// Functions of one code of 8 bits as tables of all their values.
#pragma once

#include "format.h"
#include "kernel.h"
#include "tensor.h"

namespace halftone::integer {

// Operators that give each element a value of its own from input 0 alone.
bool is_function_of_one(const sdk::Node &node);

inline bool has_table(const Format &from) {
  return from.dtype == HT_U8 || from.dtype == HT_I8;
}

// The codes of `to` for the codes low ... high of `from`: dequantized, computed by the kernel where there is one, and
// quantized, so that a table gives what those three give.
Tensor table_of(const sdk::Context &ctx, const Format &from, const Format &to, const Kernel *kernel);

// Each code by its entry.
Tensor looked_up(const ht_tensor_view &codes, const Format &from, const Tensor &table);

}  // namespace halftone::integer
