// What an Einsum equation makes of its operands: one walk over all named axes.
#pragma once

#include <string>
#include <vector>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"

namespace halftone::reference {

// Extents of all axes, those of the output first, and each input's strides along them.
struct EinsumPlan {
  Shape extents;
  std::size_t kept = 0;
  std::vector<Shape> strides;
};

class EinsumEquation {
 public:
  explicit EinsumEquation(const sdk::OpNode &node);
  EinsumPlan plan(sdk::KernelInputs inputs) const;

 private:
  std::vector<std::string> terms_;
  std::string output_;
  bool explicit_output_ = false;
};

// Calls visit(i, offsets) for each combination of axes in row-major order: where each operand stands.
template <typename Visit>
void for_each_term(const EinsumPlan &plan, Visit visit) {
  const std::size_t axes = plan.extents.size(), operands = plan.strides.size();
  Shape index(axes, 0), offsets(operands, 0);
  const std::int64_t count = count_of(plan.extents);
  for (std::int64_t i = 0; i < count; ++i) {
    visit(i, offsets);
    for (std::size_t axis = axes; axis-- > 0;) {
      for (std::size_t k = 0; k < operands; ++k) offsets[k] += plan.strides[k][axis];
      if (++index[axis] < plan.extents[axis]) break;
      for (std::size_t k = 0; k < operands; ++k) offsets[k] -= plan.strides[k][axis] * plan.extents[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace halftone::reference
