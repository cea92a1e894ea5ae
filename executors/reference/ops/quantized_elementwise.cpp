// QLinearAdd, QLinearMul, QLinearLeakyRelu, QLinearSigmoid and QLinearSoftmax of com.microsoft: codes to real numbers,
// the operator in float32, and back to codes. Source: ONNX Runtime's ContribOperators.md.
#include <cmath>

#include "ops/requantize.h"

namespace halftone::reference {
namespace {

// Codes as real numbers, one scale for all.
std::vector<float> dequantized(sdk::KernelInputs inputs, std::size_t slot) {
  const float scale = scales_of(inputs[slot + 1], 1)[0];
  const std::int32_t zero = zero_points(inputs, slot + 2, 1)[0];
  std::vector<float> out;
  dispatch(inputs[slot].dtype, ByteTypes{}, [&]<typename T>() {
    const T *from = in_data<T>(inputs[slot]);
    for (std::int64_t i = 0; i < count_of(inputs[slot]); ++i) {
      out.push_back(static_cast<float>(static_cast<std::int32_t>(from[i]) - zero) * scale);
    }
  });
  return out;
}

// Back to codes with the scale in `slot` and the zero point in the next.
void quantize(const std::vector<float> &values, sdk::KernelInputs inputs, std::size_t slot, ht_tensor_view &output) {
  const float scale = scales_of(inputs[slot], 1)[0];
  const std::int32_t zero = zero_points(inputs, slot + 1, 1)[0];
  dispatch(output.dtype, ByteTypes{}, [&]<typename T>() {
    for (std::size_t i = 0; i < values.size(); ++i) out_data<T>(output)[i] = code_of<T>(values[i] / scale, zero);
  });
}

template <bool kProduct>
class QLinearBinary {
 public:
  explicit QLinearBinary(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, ByteTypes{});
    if (inputs[3].dtype != inputs[0].dtype) unsupported_type(inputs[3].dtype);
    sdk::set_type(outputs[0], inputs[0].dtype, broadcast(shape_of(inputs[0]), shape_of(inputs[3])));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const std::vector<float> a = dequantized(inputs, 0), b = dequantized(inputs, 3);
    const ShapeSpan shape = shape_of(outputs[0]);
    std::vector<float> y(static_cast<std::size_t>(count_of(shape)));
    for_each_row<3>(shape,
                    {strides_of(shape), broadcast_strides(shape_of(inputs[0]), shape),
                     broadcast_strides(shape_of(inputs[3]), shape)},
                    [&](const auto &at, std::int64_t n, const auto &step) {
                      for (std::int64_t i = 0; i < n; ++i) {
                        const float u = a[static_cast<std::size_t>(at[1] + i * step[1])];
                        const float v = b[static_cast<std::size_t>(at[2] + i * step[2])];
                        y[static_cast<std::size_t>(at[0] + i)] = kProduct ? u * v : u + v;
                      }
                    });
    quantize(y, inputs, 6, outputs[0]);
  }
};
using QLinearAdd = QLinearBinary<false>;
using QLinearMul = QLinearBinary<true>;

// Function: a constructor from OpNode and apply(values, shape).
template <typename Function>
class QLinearUnary {
 public:
  explicit QLinearUnary(const sdk::OpNode &node) : function_(node) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, ByteTypes{});
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    std::vector<float> values = dequantized(inputs, 0);
    function_.apply(values, shape_of(inputs[0]));
    quantize(values, inputs, 3, outputs[0]);
  }

 private:
  Function function_;
};

struct LeakyRelu {
  explicit LeakyRelu(const sdk::OpNode &node) : alpha(static_cast<float>(node.number("alpha", 0.01f))) {}
  void apply(std::vector<float> &values, ShapeSpan) const {
    for (float &x : values) x = x < 0 ? alpha * x : x;
  }
  float alpha;
};
struct Sigmoid {
  explicit Sigmoid(const sdk::OpNode &) {}
  void apply(std::vector<float> &values, ShapeSpan) const {
    for (float &x : values) x = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(x))));
  }
};
// Below opset 13 of the attribute `opset`, over all axes from `axis` on.
struct Softmax {
  explicit Softmax(const sdk::OpNode &node)
      : axis(node.integer("axis", -1)), flattens(node.integer("opset", 13) < 13) {}
  void apply(std::vector<float> &values, ShapeSpan shape) const {
    const std::size_t at = axis_of(axis, shape.size());
    const std::int64_t n = flattens ? count_of(shape, at, shape.size()) : shape[at];
    const std::int64_t inner = flattens ? 1 : count_of(shape, at + 1, shape.size());
    for (std::int64_t r = 0; r < count_of(shape, 0, at) * inner && n > 0; ++r) {
      float *row = values.data() + r / inner * n * inner + r % inner;
      float top = row[0];
      double sum = 0;
      for (std::int64_t i = 1; i < n; ++i) top = std::max(top, row[i * inner]);
      for (std::int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(row[i * inner] - top));
      for (std::int64_t i = 0; i < n; ++i) {
        row[i * inner] = static_cast<float>(std::exp(static_cast<double>(row[i * inner] - top)) / sum);
      }
    }
  }
  std::int64_t axis;
  bool flattens;
};
using QLinearLeakyRelu = QLinearUnary<LeakyRelu>;
using QLinearSigmoid = QLinearUnary<Sigmoid>;
using QLinearSoftmax = QLinearUnary<Softmax>;

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", QLinearAdd, "QLinearAdd", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", QLinearMul, "QLinearMul", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", QLinearLeakyRelu, "QLinearLeakyRelu", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", QLinearSigmoid, "QLinearSigmoid", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", QLinearSoftmax, "QLinearSoftmax", 1, 1)
}  // namespace halftone::reference
