// What Slice takes of its input: starts, ends, axes and steps as one strided box.
#pragma once

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"

namespace halftone::reference {

// The box in the first input that the others name; needs_data() where they are not known yet.
struct SliceRange {
  explicit SliceRange(sdk::KernelInputs inputs);

  Shape shape, strides;  // of the result, under the input's layout; a stride may be negative
  std::int64_t offset = 0;

 private:
  void narrow(std::size_t axis, std::int64_t start, std::int64_t end, std::int64_t step);
};

}  // namespace halftone::reference
