// The operands of a matrix product as stacks of matrices: numpy's rules for vectors and for broadcasting leading axes.
#pragma once

#include <string>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"

namespace halftone::reference {

// Vectors got an axis of one, which the output does not have.
struct Stacks {
  Shape a, b, leading, out;
  std::int64_t m = 0, k = 0, n = 0;

  Stacks(ShapeSpan left, ShapeSpan right) : a(left.begin(), left.end()), b(right.begin(), right.end()) {
    if (a.empty() || b.empty()) throw sdk::Failure(HT_INVALID_ARGUMENT, "an operand is a scalar");
    const bool row = a.size() == 1, column = b.size() == 1;
    if (row) a.insert(a.begin(), 1);
    if (column) b.push_back(1);
    m = a[a.size() - 2];
    k = a.back();
    n = b.back();
    if (b[b.size() - 2] != k) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "inner extents differ: " + std::to_string(k) + " and " + std::to_string(b[b.size() - 2]));
    }
    a.resize(a.size() - 2);
    b.resize(b.size() - 2);
    leading = broadcast(a, b);
    out = leading;
    if (!row) out.push_back(m);
    if (!column) out.push_back(n);
  }

  // visit(y, a, b) for each pair of matrices: the numbers of the matrices in their stacks.
  template <typename Visit>
  void for_each_pair(Visit visit) const {
    for_each_row<3>(leading, {strides_of(leading), broadcast_strides(a, leading), broadcast_strides(b, leading)},
                    [&](const auto &at, std::int64_t count, const auto &step) {
                      for (std::int64_t i = 0; i < count; ++i)
                        visit(at[0] + i, at[1] + i * step[1], at[2] + i * step[2]);
                    });
  }
};

}  // namespace halftone::reference
