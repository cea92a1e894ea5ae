// Gradients of MatMul and FusedMatMul: dA = dY B', dB = A' dY for each pair of matrices, summed over the pairs that a
// broadcast operand takes part in.
#include <utility>

#include "matrices.h"
#include "ops/matmul_stacks.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

// alpha * A' * B', either with its last two axes exchanged.
class MatMulGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1)};
  explicit MatMulGradient(const sdk::OpNode &node)
      : alpha_(node.number("alpha", 1.0)), trans_a_(node.flag("transA", false)), trans_b_(node.flag("transB", false)) {
    if (node.flag("transBatchA", false) || node.flag("transBatchB", false)) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "transBatchA and transBatchB");
    }
  }
  void backward(const sdk::Backward &pass) const {
    const bool turn_a = trans_a_ && pass.input_shape(0).size() > 1, turn_b = trans_b_ && pass.input_shape(1).size() > 1;
    const reference::Stacks s(viewed(pass.input_shape(0), turn_a), viewed(pass.input_shape(1), turn_b));
    const Matrix y = {s.m, s.n, false}, a = {s.m, s.k, turn_a}, b = {s.k, s.n, turn_b};
    const float *dy = pass.dy().data();
    Sums da(pass.wants(0) ? pass.dx(0) : std::span<float>()), db(pass.wants(1) ? pass.dx(1) : std::span<float>());
    const float *left = pass.wants(1) ? pass.x(0).data() : nullptr;
    const float *right = pass.wants(0) ? pass.x(1).data() : nullptr;
    s.for_each_pair([&](std::int64_t to, std::int64_t i, std::int64_t j) {
      const float *given = dy + to * s.m * s.n;
      if (pass.wants(0)) add_product(y, given, b.turned(), right + j * s.k * s.n, alpha_, a, da.data() + i * s.m * s.k);
      if (pass.wants(1)) add_product(a.turned(), left + i * s.m * s.k, y, given, alpha_, b, db.data() + j * s.k * s.n);
    });
    da.store();
    db.store();
  }

 private:
  static Shape viewed(ShapeSpan shape, bool turned) {
    Shape out(shape.begin(), shape.end());
    if (turned) std::swap(out[out.size() - 2], out.back());
    return out;
  }
  double alpha_;
  bool trans_a_, trans_b_;
};

}  // namespace
HALFTONE_OP_GRADIENT(MatMulGradient, "MatMul", 1, kNewest)
HALFTONE_OP_GRADIENT_OF("com.microsoft", MatMulGradient, "FusedMatMul", 1, 1)
HALFTONE_OP_GRADIENT_OF("com.microsoft", MatMulGradient, "TransposeMatMul", 1, 1)
}  // namespace halftone::gradients
