// Gradient of Gemm: Y = alpha * A' * B' + beta * C, C broadcast to Y.
#include "broadcasting.h"
#include "matrices.h"

namespace halftone::gradients {
namespace {

class GemmGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1, 2)};
  explicit GemmGradient(const sdk::OpNode &node)
      : alpha_(node.number("alpha", 1.0)),
        beta_(node.number("beta", 1.0)),
        trans_a_(node.flag("transA", false)),
        trans_b_(node.flag("transB", false)) {}
  void backward(const sdk::Backward &pass) const {
    const ShapeSpan shape = pass.output_shape();
    const std::int64_t inner = pass.input_shape(0)[trans_a_ ? 0 : 1];
    const Matrix y = {shape[0], shape[1], false}, a = {shape[0], inner, trans_a_}, b = {inner, shape[1], trans_b_};
    const float *dy = pass.dy().data();
    if (pass.wants(0)) {
      Sums da(pass.dx(0));
      add_product(y, dy, b.turned(), pass.x(1).data(), alpha_, a, da.data());
      da.store();
    }
    if (pass.wants(1)) {
      Sums db(pass.dx(1));
      add_product(a.turned(), pass.x(0).data(), y, dy, alpha_, b, db.data());
      db.store();
    }
    sum_to_operand<0>(pass, 2, {}, [&](const auto &, std::size_t) { return beta_; });
  }

 private:
  double alpha_, beta_;
  bool trans_a_, trans_b_;
};

}  // namespace
HALFTONE_OP_GRADIENT(GemmGradient, "Gemm", 7, kNewest)
}  // namespace halftone::gradients
