// QGemm, MatMulIntegerToFloat and DynamicQuantizeMatMul of com.microsoft: exact int32 products of codes, scaled.
// Source: ONNX Runtime's ContribOperators.md.
#include <array>
#include <utility>

#include "ops/integer_matmul.h"

namespace halftone::reference {
namespace {

// A matrix of codes, transposed where asked.
struct Codes {
  Shape shape;
  std::vector<std::uint8_t> bytes;

  Codes(const ht_tensor_view &from, bool transpose) : shape(shape_copy(from)) {
    const auto *data = static_cast<const std::uint8_t *>(from.data);
    bytes.assign(data, data + count_of(from));
    if (!transpose) return;
    const std::int64_t rows = shape[0], columns = shape[1];
    std::swap(shape[0], shape[1]);
    for (std::int64_t i = 0; i < rows * columns; ++i) {
      bytes[static_cast<std::size_t>(i % columns * rows + i / columns)] = data[i];
    }
  }
  ht_tensor_view view(ht_dtype dtype) {
    ht_tensor_view v{};
    v.struct_size = sizeof(v);
    v.dtype = dtype;
    v.rank = static_cast<std::uint32_t>(shape.size());
    v.shape = shape.data();
    v.data = bytes.data();
    return v;
  }
};

// Inputs: A, its scale and zero point, B, its scale and zero point (one or one per column), C in int32, and the
// output's scale and zero point; float32 without them.
class QGemm {
 public:
  explicit QGemm(const sdk::OpNode &node)
      : alpha_(static_cast<float>(node.number("alpha", 1.0))),
        trans_a_(node.flag("transA", false)),
        trans_b_(node.flag("transB", false)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].rank != 2 || inputs[3].rank != 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "A and B must be matrices");
    require_type(inputs[0].dtype, ByteTypes{});
    require_type(inputs[3].dtype, ByteTypes{});
    const std::int64_t m = inputs[0].shape[trans_a_ ? 1 : 0], n = inputs[3].shape[trans_b_ ? 0 : 1];
    if (inputs[0].shape[trans_a_ ? 0 : 1] != inputs[3].shape[trans_b_ ? 1 : 0]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "inner extents of A and B differ");
    }
    const Shape shape = {m, n};
    if (sdk::present(inputs, 6) && (inputs[6].dtype != HT_I32 || broadcast(shape, shape_of(inputs[6])) != shape)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "C is not int32 or does not broadcast to A * B");
    }
    const bool codes = sdk::present(inputs, 7);
    sdk::set_type(outputs[0], !codes ? HT_F32 : (sdk::present(inputs, 8) ? inputs[8].dtype : inputs[0].dtype), shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    Codes a(inputs[0], trans_a_), b(inputs[3], trans_b_);
    std::vector<ht_tensor_view> plain(inputs.begin(), inputs.end());
    plain[0] = a.view(inputs[0].dtype);
    plain[3] = b.view(inputs[3].dtype);
    const IntegerMatMul product(a.shape, b.shape);
    const std::int64_t n = product.stacks().n;
    const float a_scale = scales_of(inputs[1], 1)[0];
    const auto b_scales = scales_of(inputs[4], n);
    const Shape shape = shape_copy(outputs[0]);
    const Shape step = sdk::present(inputs, 6) ? broadcast_strides(shape_of(inputs[6]), shape) : Shape(2, 0);
    const bool codes = sdk::present(inputs, 7);
    const float y_scale = codes ? scales_of(inputs[7], 1)[0] : 1.0F;
    const std::int32_t y_zero = codes ? zero_points(inputs, 8, 1)[0] : 0;
    product.run(plain, 0, 3, 2, 5, [&](std::int64_t row, std::int64_t, std::int64_t, const std::int32_t *sums) {
      for (std::int64_t j = 0; j < n; ++j) {
        std::uint32_t sum = static_cast<std::uint32_t>(sums[j]);
        if (sdk::present(inputs, 6)) {
          sum += static_cast<std::uint32_t>(in_data<std::int32_t>(inputs[6])[row * step[0] + j * step[1]]);
        }
        const float factor = alpha_ * a_scale * b_scales[static_cast<std::size_t>(j)];
        store(outputs[0], row * n + j, static_cast<float>(static_cast<std::int32_t>(sum)), factor, y_scale, y_zero);
      }
    });
  }

 private:
  static void store(ht_tensor_view &y, std::int64_t at, float sum, float factor, float y_scale, std::int32_t y_zero) {
    if (y.dtype == HT_F32) {
      out_data<float>(y)[at] = sum * factor;
      return;
    }
    dispatch(y.dtype, ByteTypes{},
             [&]<typename T>() { out_data<T>(y)[at] = code_of<T>(sum * (factor / y_scale), y_zero); });
  }
  float alpha_;
  bool trans_a_, trans_b_;
};

// float32 = scale_a * scale_b * sum + bias; scales one for all, or B's one per column. A's scale may be one per row.
void scaled(const IntegerMatMul &product, sdk::KernelInputs inputs, const std::array<std::size_t, 4> &slots,
            const std::vector<float> &a_scales, const std::vector<float> &b_scales, const float *bias,
            ht_tensor_view &output) {
  const std::int64_t n = product.stacks().n;
  product.run(inputs, slots[0], slots[1], slots[2], slots[3],
              [&](std::int64_t row, std::int64_t, std::int64_t, const std::int32_t *sums) {
                for (std::int64_t j = 0; j < n; ++j) {
                  const float scale = a_scales[static_cast<std::size_t>(row) % a_scales.size()] *
                                      b_scales[static_cast<std::size_t>(j) % b_scales.size()];
                  const float offset = bias == nullptr ? 0.0F : bias[j];
                  out_data<float>(output)[row * n + j] = static_cast<float>(sums[j]) * scale + offset;
                }
              });
}

// Inputs: A, B, scale of A, scale of B, zero point of A, zero point of B, bias.
class MatMulIntegerToFloat {
 public:
  explicit MatMulIntegerToFloat(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, ByteTypes{});
    require_type(inputs[1].dtype, ByteTypes{});
    if (inputs[2].dtype != HT_F32) unsupported_type(inputs[2].dtype);
    const Stacks stacks(shape_of(inputs[0]), shape_of(inputs[1]));
    if (count_of(inputs[2]) != 1 && count_of(inputs[2]) != count_of(stacks.a) * stacks.m &&
        count_of(inputs[2]) != stacks.m) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "a_scale has neither one entry nor one per row of A");
    }
    if (sdk::present(inputs, 6) && count_of(inputs[6]) != stacks.n) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the bias has not one entry per column");
    }
    sdk::set_type(outputs[0], HT_F32, stacks.out);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const IntegerMatMul product(shape_of(inputs[0]), shape_of(inputs[1]));
    const float *bias = sdk::present(inputs, 6) ? in_data<float>(inputs[6]) : nullptr;
    scaled(product, inputs, {0, 1, 4, 5}, scales_of(inputs[2], count_of(inputs[2])),
           scales_of(inputs[3], product.stacks().n), bias, outputs[0]);
  }
};

// Inputs: A in float32, B, its scale and zero point, bias. A gets uint8 codes over the range of the tensor at hand.
class DynamicQuantizeMatMul {
 public:
  explicit DynamicQuantizeMatMul(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].dtype != HT_F32) unsupported_type(inputs[0].dtype);
    require_type(inputs[1].dtype, ByteTypes{});
    const Stacks stacks(shape_of(inputs[0]), shape_of(inputs[1]));
    if (sdk::present(inputs, 4) && count_of(inputs[4]) != stacks.n) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the bias has not one entry per column");
    }
    sdk::set_type(outputs[0], HT_F32, stacks.out);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const float *x = in_data<float>(inputs[0]);
    const std::int64_t count = count_of(inputs[0]);
    float low = 0, high = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
    const float scale = high > low ? (high - low) / 255.0F : 1.0F;
    std::uint8_t zero = code_of<std::uint8_t>(-low / scale, 0);
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
      codes[static_cast<std::size_t>(i)] = code_of<std::uint8_t>(x[i] / scale, zero);
    }
    std::vector<ht_tensor_view> plain = {inputs[0], inputs[1], inputs[0]};
    plain[0].dtype = plain[2].dtype = HT_U8;
    plain[0].data = codes.data();
    plain[2].rank = 0;
    plain[2].data = &zero;
    if (sdk::present(inputs, 3)) plain.push_back(inputs[3]);
    const IntegerMatMul product(shape_of(inputs[0]), shape_of(inputs[1]));
    const float *bias = sdk::present(inputs, 4) ? in_data<float>(inputs[4]) : nullptr;
    scaled(product, plain, {0, 1, 2, 3}, {scale}, scales_of(inputs[2], product.stacks().n), bias, outputs[0]);
  }
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", QGemm, "QGemm", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", MatMulIntegerToFloat, "MatMulIntegerToFloat", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", DynamicQuantizeMatMul, "DynamicQuantizeMatMul", 1, 1)
}  // namespace halftone::reference
