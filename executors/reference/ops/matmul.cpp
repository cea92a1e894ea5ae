// MatMul: numpy's rules for vectors and for broadcasting the leading axes.
#include "halftone/op_kernel.hpp"
#include "ops/product.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

using MatMulTypes = Types<float, double, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>;

// Operands as stacks of matrices: vectors got an axis of one, which the output does not have.
struct Stacks {
  Shape a, b, leading, out;
  std::int64_t m = 0, k = 0, n = 0;

  Stacks(const ht_tensor_view &left, const ht_tensor_view &right) : a(shape_copy(left)), b(shape_copy(right)) {
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
};

class MatMul {
 public:
  explicit MatMul(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, MatMulTypes{});
    sdk::set_type(outputs[0], inputs[0].dtype, Stacks(inputs[0], inputs[1]).out);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, MatMulTypes{}, [&]<typename T>() { multiply<T>(inputs[0], inputs[1], outputs[0]); });
  }

 private:
  template <typename T>
  static void multiply(const ht_tensor_view &left, const ht_tensor_view &right, ht_tensor_view &output) {
    // Unsigned sums wrap; their low bits are the signed sums' too.
    using Wide = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;
    const Stacks s(left, right);
    const auto a = widened<Wide>(in_data<T>(left), count_of(left));
    const auto b = widened<Wide>(in_data<T>(right), count_of(right));
    std::vector<Wide> c(static_cast<std::size_t>(s.m * s.n));
    T *y = out_data<T>(output);
    for_each_row<3>(s.leading,
                    {strides_of(s.leading), broadcast_strides(s.a, s.leading), broadcast_strides(s.b, s.leading)},
                    [&](const auto &at, std::int64_t count, const auto &step) {
                      for (std::int64_t i = 0; i < count; ++i) {
                        product(a.data() + (at[1] + i * step[1]) * s.m * s.k,
                                b.data() + (at[2] + i * step[2]) * s.k * s.n, c.data(), s.m, s.n, s.k);
                        T *to = y + (at[0] + i) * s.m * s.n;
                        for (std::size_t j = 0; j < c.size(); ++j) to[j] = static_cast<T>(c[j]);
                      }
                    });
  }
};

}  // namespace
HALFTONE_OP_KERNEL(MatMul, "MatMul", 1, kNewest)
}  // namespace halftone::reference
