// Gradient of Gemm: Y = alpha * A' * B' + beta * C, C broadcast to Y; and of FusedGemm of com.microsoft, which applies
// an activation to it.
#include "fused_slope.h"
#include "matrices.h"
#include "sums.h"

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
  void backward(const sdk::Backward &pass) const { backward(pass, pass.dy()); }
  // `given`: of the product's own result.
  void backward(const sdk::Backward &pass, std::span<const float> given) const {
    const ShapeSpan shape = pass.output_shape();
    const std::int64_t inner = pass.input_shape(0)[trans_a_ ? 0 : 1];
    const Matrix y = {shape[0], shape[1], false}, a = {shape[0], inner, trans_a_}, b = {inner, shape[1], trans_b_};
    const float *dy = given.data();
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
    if (!pass.wants(2)) return;
    Sums dc(pass.dx(2));
    for_each_element<2>(shape, {strides_of(shape), broadcast_strides(pass.input_shape(2), shape)}, [&](const auto &at) {
      dc[at[1]] += beta_ * static_cast<double>(given[static_cast<std::size_t>(at[0])]);
    });
    dc.store();
  }

 private:
  double alpha_, beta_;
  bool trans_a_, trans_b_;
};

class FusedGemmGradient {
 public:
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = sdk::slots(0, 1), .reads_outputs = sdk::slots(0), .differentiates = sdk::slots(0, 1, 2)};
  explicit FusedGemmGradient(const sdk::OpNode &node) : gemm_(node), slope_(node) {}
  void backward(const sdk::Backward &pass) const { gemm_.backward(pass, slope_.before(pass)); }

 private:
  GemmGradient gemm_;
  FusedSlope slope_;
};

}  // namespace
HALFTONE_OP_GRADIENT_OF("com.microsoft", FusedGemmGradient, "FusedGemm", 1, 1)
HALFTONE_OP_GRADIENT(GemmGradient, "Gemm", 7, kNewest)
}  // namespace halftone::gradients
