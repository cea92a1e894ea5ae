// MatMul: numpy's rules for vectors and for broadcasting the leading axes. Source: ONNX operator MatMul, opset 1 to 13.
#include "halftone/op_kernel.hpp"
#include "ops/matmul_stacks.h"
#include "ops/product.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class MatMul {
 public:
  explicit MatMul(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, NumericTypes{});
    sdk::set_type(outputs[0], inputs[0].dtype, Stacks(shape_of(inputs[0]), shape_of(inputs[1])).out);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, NumericTypes{}, [&]<typename T>() { multiply<T>(inputs[0], inputs[1], outputs[0]); });
  }

 private:
  template <typename T>
  static void multiply(const ht_tensor_view &left, const ht_tensor_view &right, ht_tensor_view &output) {
    // Unsigned sums wrap; their low bits are the signed sums' too.
    using Wide = std::conditional_t<kIsReal<T>, double, std::uint64_t>;
    const Stacks s(shape_of(left), shape_of(right));
    const auto a = widened<Wide>(in_data<T>(left), count_of(left));
    const auto b = widened<Wide>(in_data<T>(right), count_of(right));
    std::vector<Wide> c(static_cast<std::size_t>(s.m * s.n));
    s.for_each_pair([&](std::int64_t to, std::int64_t i, std::int64_t j) {
      product(a.data() + i * s.m * s.k, b.data() + j * s.k * s.n, c.data(), s.m, s.n, s.k);
      T *y = out_data<T>(output) + to * s.m * s.n;
      for (std::size_t e = 0; e < c.size(); ++e) y[e] = static_cast<T>(c[e]);
    });
  }
};

}  // namespace
HALFTONE_OP_KERNEL(MatMul, "MatMul", 1, kNewest)
}  // namespace halftone::reference
