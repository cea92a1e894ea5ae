// MatMulInteger, QLinearMatMul, ConvInteger and QLinearConv: exact sums in int32, which wrap where the specification
// allows them to overflow. Requantization multiplies in float32 by scale_a * scale_b / scale_y and rounds half to even.
// Source: ONNX operators of these names, opset 10, and QLinearMatMul of opset 21.
#include "halftone/op_kernel.hpp"
#include "ops/integer_conv.h"
#include "ops/integer_matmul.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class MatMulInteger {
 public:
  explicit MatMulInteger(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, ByteTypes{});
    require_type(inputs[1].dtype, ByteTypes{});
    sdk::set_type(outputs[0], HT_I32, Stacks(shape_of(inputs[0]), shape_of(inputs[1])).out);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const IntegerMatMul product(shape_of(inputs[0]), shape_of(inputs[1]));
    const std::int64_t n = product.stacks().n;
    product.run(inputs, 0, 1, 2, 3, [&](std::int64_t row, std::int64_t, std::int64_t, const std::int32_t *sums) {
      std::copy_n(sums, n, out_data<std::int32_t>(outputs[0]) + row * n);
    });
  }
};

// Scales of A are one for all or one per row, those of B one for all or one per column.
class QLinearMatMul {
 public:
  explicit QLinearMatMul(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, ByteTypes{});
    require_type(inputs[3].dtype, ByteTypes{});
    require_type(inputs[7].dtype, ByteTypes{});
    sdk::set_type(outputs[0], inputs[7].dtype, Stacks(shape_of(inputs[0]), shape_of(inputs[3])).out);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const IntegerMatMul product(shape_of(inputs[0]), shape_of(inputs[3]));
    const Stacks &s = product.stacks();
    const std::vector<float> a = scales_of(inputs[1], rows_of(inputs[1], s.m)), b = scales_of(inputs[4], s.n);
    const std::vector<float> y = scales_of(inputs[6], rows_of(inputs[6], s.m));
    const std::vector<std::int32_t> zero = zero_points(inputs, 7, rows_of(inputs[7], s.m));
    const auto pick = [](const auto &values, std::int64_t row) {
      return values[static_cast<std::size_t>(row) % values.size()];
    };
    dispatch(outputs[0].dtype, ByteTypes{}, [&]<typename T>() {
      product.run(inputs, 0, 3, 2, 5, [&](std::int64_t row, std::int64_t, std::int64_t, const std::int32_t *sums) {
        T *to = out_data<T>(outputs[0]) + row * s.n;
        for (std::int64_t j = 0; j < s.n; ++j) {
          const float factor = pick(a, row) * b[static_cast<std::size_t>(j)] / pick(y, row);
          to[j] = code_of<T>(static_cast<float>(sums[j]) * factor, pick(zero, row));
        }
      });
    });
  }

 private:
  static std::int64_t rows_of(const ht_tensor_view &t, std::int64_t rows) { return count_of(t) == 1 ? 1 : rows; }
};

class ConvInteger {
 public:
  explicit ConvInteger(const sdk::OpNode &node) : conv_(node) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], HT_I32, conv_.shape(inputs[0], inputs[1]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::int32_t x_zero = zero_points(inputs, 2, 1)[0];
    const auto w_zero = zero_points(inputs, 3, inputs[1].shape[0]);
    conv_.run(inputs[0], inputs[1], x_zero, w_zero,
              [&](std::int64_t, std::int64_t at, std::int64_t n, const auto *sums) {
                std::copy_n(sums, n, out_data<std::int32_t>(outputs[0]) + at);
              });
  }

 private:
  IntegerConv conv_;
};

class QLinearConv {
 public:
  explicit QLinearConv(const sdk::OpNode &node) : conv_(node) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[7].dtype, ByteTypes{});
    if (sdk::present(inputs, 8) && (inputs[8].dtype != HT_I32 || count_of(inputs[8]) != inputs[3].shape[0])) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "B must hold one int32 for each output channel");
    }
    sdk::set_type(outputs[0], inputs[7].dtype, conv_.shape(inputs[0], inputs[3]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::int64_t channels = inputs[3].shape[0];
    const float x_scale = scales_of(inputs[1], 1)[0], y_scale = scales_of(inputs[6], 1)[0];
    const auto w_scales = scales_of(inputs[4], channels);
    const std::int32_t x_zero = zero_points(inputs, 2, 1)[0], y_zero = zero_points(inputs, 7, 1)[0];
    const auto w_zero = zero_points(inputs, 5, channels);
    const std::int32_t *bias = sdk::present(inputs, 8) ? in_data<std::int32_t>(inputs[8]) : nullptr;
    dispatch(outputs[0].dtype, ByteTypes{}, [&]<typename T>() {
      conv_.run(inputs[0], inputs[3], x_zero, w_zero,
                [&](std::int64_t c, std::int64_t at, std::int64_t n, const std::int32_t *sums) {
                  const float factor = x_scale * w_scales[static_cast<std::size_t>(c)] / y_scale;
                  const auto offset = static_cast<std::uint32_t>(bias == nullptr ? 0 : bias[c]);
                  T *to = out_data<T>(outputs[0]) + at;
                  for (std::int64_t j = 0; j < n; ++j) {
                    const auto sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[j]) + offset);
                    to[j] = code_of<T>(static_cast<float>(sum) * factor, y_zero);
                  }
                });
    });
  }

 private:
  IntegerConv conv_;
};

}  // namespace
HALFTONE_OP_KERNEL(MatMulInteger, "MatMulInteger", 10, kNewest)
HALFTONE_OP_KERNEL(QLinearMatMul, "QLinearMatMul", 10, kNewest)
HALFTONE_OP_KERNEL(ConvInteger, "ConvInteger", 10, kNewest)
HALFTONE_OP_KERNEL(QLinearConv, "QLinearConv", 10, kNewest)
HALFTONE_OP_KERNEL_OF("com.microsoft", QLinearConv, "QLinearConv", 1, 1)
}  // namespace halftone::reference
