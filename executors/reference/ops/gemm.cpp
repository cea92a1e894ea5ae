// Gemm: alpha * A' * B' + beta * C. Source: ONNX operator Gemm, opset 7 to 13; FusedGemm of com.microsoft adds an
// activation.
#include "halftone/op_kernel.hpp"
#include "ops/fused_activation.h"
#include "ops/product.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

using GemmTypes = Types<float, double, Float16, BFloat16, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>;

class Gemm {
 public:
  explicit Gemm(const sdk::OpNode &node)
      : alpha_(node.number("alpha", 1.0)),
        beta_(node.number("beta", 1.0)),
        trans_a_(node.flag("transA", false)),
        trans_b_(node.flag("transB", false)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, GemmTypes{});
    const ht_tensor_view &a = inputs[0], &b = inputs[1];
    if (a.rank != 2 || b.rank != 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "A and B must be matrices");
    if (a.shape[trans_a_ ? 0 : 1] != b.shape[trans_b_ ? 1 : 0]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "inner extents of A and B differ");
    }
    const Shape shape = {a.shape[trans_a_ ? 1 : 0], b.shape[trans_b_ ? 0 : 1]};
    if (sdk::present(inputs, 2) && broadcast(shape, shape_of(inputs[2])) != shape) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "C does not broadcast to A * B");
    }
    sdk::set_type(outputs[0], a.dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, GemmTypes{}, [&]<typename T>() { multiply<T>(inputs, outputs[0]); });
  }

 private:
  template <typename T>
  static std::vector<Accumulator<T>> operand(const ht_tensor_view &t, bool transpose) {
    return transpose ? transposed<Accumulator<T>>(in_data<T>(t), t.shape[0], t.shape[1])
                     : widened<Accumulator<T>>(in_data<T>(t), count_of(t));
  }
  // Exact for integers where the factor is 1.
  template <typename Number>
  static Number scaled(Number value, double factor) {
    return factor == 1 ? value : static_cast<Number>(factor * static_cast<double>(value));
  }
  template <typename T>
  void multiply(sdk::KernelInputs inputs, ht_tensor_view &output) const {
    const std::int64_t m = output.shape[0], n = output.shape[1];
    const auto a = operand<T>(inputs[0], trans_a_), b = operand<T>(inputs[1], trans_b_);
    using Sum = Accumulator<T>;
    std::vector<Sum> c(static_cast<std::size_t>(m * n));
    product(a.data(), b.data(), c.data(), m, n, inputs[0].shape[trans_a_ ? 0 : 1]);
    for (Sum &value : c) value = scaled(value, alpha_);
    if (sdk::present(inputs, 2)) {
      const T *bias = in_data<T>(inputs[2]);
      for_each_row<2>(
          shape_of(output), {strides_of(shape_of(output)), broadcast_strides(shape_of(inputs[2]), shape_of(output))},
          [&](const auto &at, std::int64_t count, const auto &step) {
            for (std::int64_t i = 0; i < count; ++i) {
              c[static_cast<std::size_t>(at[0] + i)] += scaled(static_cast<Sum>(bias[at[1] + i * step[1]]), beta_);
            }
          });
    }
    T *y = out_data<T>(output);
    for (std::size_t i = 0; i < c.size(); ++i) y[i] = static_cast<T>(c[i]);
  }
  double alpha_, beta_;
  bool trans_a_, trans_b_;
};

class FusedGemm {
 public:
  explicit FusedGemm(const sdk::OpNode &node) : gemm_(node), activation_(node) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const { gemm_.infer(inputs, outputs); }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    gemm_.run(inputs, outputs);
    activation_.apply(outputs[0]);
  }

 private:
  Gemm gemm_;
  FusedActivation activation_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", FusedGemm, "FusedGemm", 1, 1)
HALFTONE_OP_KERNEL(Gemm, "Gemm", 7, kNewest)
}  // namespace halftone::reference
