// Whole tensors of any number type as doubles, for operators whose cost is not in their conversions.
#pragma once

#include <span>
#include <vector>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {

// Throws where the type holds no numbers.
std::vector<double> reals_of(const ht_tensor_view &tensor);
// The same, or `deflt` repeated `count` times where the slot is empty.
std::vector<double> reals_or(sdk::KernelInputs inputs, std::size_t slot, std::int64_t count, double deflt);
// Rounds once to the tensor's type. Does nothing for an output that nobody wants.
void store_reals(std::span<const double> values, ht_tensor_view &tensor);

}  // namespace halftone::reference
