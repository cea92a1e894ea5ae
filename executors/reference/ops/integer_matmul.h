// The exact product of two stacks of 8-bit matrices, as MatMulInteger, QLinearMatMul and their kin need it.
#pragma once

#include "ops/matmul_stacks.h"
#include "ops/product.h"
#include "ops/requantize.h"

namespace halftone::reference {

class IntegerMatMul {
 public:
  IntegerMatMul(ShapeSpan a, ShapeSpan b) : stacks_(a, b) {}
  const Stacks &stacks() const { return stacks_; }

  // Zero points of A may be one per row, those of B one per column. For each row of each matrix in order calls
  // emit(row of the output, row of A's stack, first column of B's stack, sums); the sums are int32, wrapped.
  template <typename Emit>
  void run(sdk::KernelInputs inputs, std::size_t a, std::size_t b, std::size_t a_zero, std::size_t b_zero,
           Emit emit) const {
    const Stacks &s = stacks_;
    const std::vector<std::int32_t> rows = points(inputs, a_zero, s.a, s.m);
    const std::vector<std::int32_t> columns = points(inputs, b_zero, s.b, s.n);
    std::vector<std::uint32_t> left(static_cast<std::size_t>(s.m * s.k)), right(static_cast<std::size_t>(s.k * s.n)),
        sums(static_cast<std::size_t>(s.m * s.n));
    s.for_each_pair([&](std::int64_t to, std::int64_t i, std::int64_t j) {
      dispatch(inputs[a].dtype, ByteTypes{}, [&]<typename T>() {
        const T *from = in_data<T>(inputs[a]) + i * s.m * s.k;
        for (std::int64_t r = 0; r < s.m; ++r) {
          centered(from + r * s.k, s.k, rows[static_cast<std::size_t>(i * s.m + r)], left.data() + r * s.k);
        }
      });
      dispatch(inputs[b].dtype, ByteTypes{}, [&]<typename T>() {
        const T *from = in_data<T>(inputs[b]) + j * s.k * s.n;
        for (std::int64_t e = 0; e < s.k * s.n; ++e) {
          centered(from + e, 1, columns[static_cast<std::size_t>(j * s.n + e % s.n)], right.data() + e);
        }
      });
      product(left.data(), right.data(), sums.data(), s.m, s.n, s.k);
      for (std::int64_t r = 0; r < s.m; ++r) {
        emit(to * s.m + r, i * s.m + r, j * s.n, reinterpret_cast<const std::int32_t *>(sums.data()) + r * s.n);
      }
    });
  }

 private:
  // One value, one per row (column), or one per row (column) of every matrix.
  static std::vector<std::int32_t> points(sdk::KernelInputs inputs, std::size_t slot, const Shape &leading,
                                          std::int64_t extent) {
    const std::int64_t every = count_of(leading) * extent;
    const std::int64_t given = sdk::present(inputs, slot) ? count_of(inputs[slot]) : 1;
    std::vector<std::int32_t> out = zero_points(inputs, slot, given == extent ? extent : every);
    if (given == extent && given != every) {
      const std::vector<std::int32_t> one = out;
      for (std::int64_t i = 1; i < count_of(leading); ++i) out.insert(out.end(), one.begin(), one.end());
    }
    return out;
  }

  Stacks stacks_;
};

}  // namespace halftone::reference
