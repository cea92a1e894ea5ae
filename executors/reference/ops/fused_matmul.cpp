// FusedMatMul of com.microsoft: alpha * A' * B', the last two axes exchanged where asked. Source: ONNX Runtime's
// ContribOperators.md. TransposeMatMul is its old name.
#include "ops/matmul_stacks.h"
#include "ops/product.h"
#include "ops/reals.h"

namespace halftone::reference {
namespace {

class FusedMatMul {
 public:
  explicit FusedMatMul(const sdk::OpNode &node)
      : alpha_(node.number("alpha", 1.0)), trans_a_(node.flag("transA", false)), trans_b_(node.flag("transB", false)) {
    if (node.flag("transBatchA", false) || node.flag("transBatchB", false)) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "transBatchA and transBatchB");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    sdk::set_type(outputs[0], inputs[0].dtype, Stacks(viewed(inputs[0], trans_a_), viewed(inputs[1], trans_b_)).out);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Stacks s(viewed(inputs[0], trans_a_), viewed(inputs[1], trans_b_));
    const std::vector<double> a = operand(inputs[0], trans_a_), b = operand(inputs[1], trans_b_);
    std::vector<double> y(static_cast<std::size_t>(count_of(outputs[0])));
    s.for_each_pair([&](std::int64_t to, std::int64_t i, std::int64_t j) {
      product(a.data() + i * s.m * s.k, b.data() + j * s.k * s.n, y.data() + to * s.m * s.n, s.m, s.n, s.k);
    });
    for (double &value : y) value *= alpha_;
    store_reals(y, outputs[0]);
  }

 private:
  // Vectors are not transposed.
  static Shape viewed(const ht_tensor_view &t, bool transpose) {
    Shape shape = shape_copy(t);
    if (transpose && shape.size() > 1) std::swap(shape[shape.size() - 2], shape.back());
    return shape;
  }
  static std::vector<double> operand(const ht_tensor_view &t, bool transpose) {
    std::vector<double> values = reals_of(t);
    if (!transpose || t.rank < 2) return values;
    const std::int64_t rows = t.shape[t.rank - 2], columns = t.shape[t.rank - 1], each = rows * columns;
    std::vector<double> out;
    for (std::int64_t i = 0; each > 0 && i < count_of(t) / each; ++i) {
      const auto matrix = transposed<double>(values.data() + i * each, rows, columns);
      out.insert(out.end(), matrix.begin(), matrix.end());
    }
    return out;
  }
  double alpha_;
  bool trans_a_, trans_b_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", FusedMatMul, "FusedMatMul", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", FusedMatMul, "TransposeMatMul", 1, 1)
}  // namespace halftone::reference
