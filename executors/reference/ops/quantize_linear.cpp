// QuantizeLinear and DequantizeLinear: one scale per tensor, per index of an axis, or per block of an axis. Source:
// ONNX operators of these names, opset 10 to 24; the arithmetic is float32, whatever float type the numbers have.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/codes.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// Which scale belongs to which element.
class ScaleMap {
 public:
  ScaleMap(const ht_tensor_view &x, const ht_tensor_view &scale, std::int64_t axis, std::int64_t block)
      : single_(count_of(scale) == 1 && block == 0) {
    if (single_) return;
    const ShapeSpan shape = shape_of(x);
    const std::size_t at = axis_of(axis, shape.size());
    extent_ = shape[at];
    inner_ = count_of(shape, at + 1, shape.size());
    block_ = block;
    Shape wanted = {extent_};
    if (block != 0) {
      blocks_ = (extent_ + block - 1) / block;
      wanted.assign(shape.begin(), shape.end());
      wanted[at] = blocks_;
    }
    if (shape_copy(scale) != wanted) throw sdk::Failure(HT_INVALID_ARGUMENT, "the scale's shape does not fit the axis");
  }
  std::int64_t of(std::int64_t i) const {
    if (single_) return 0;
    const std::int64_t index = i / inner_ % extent_;
    if (block_ == 0) return index;
    return (i / inner_ / extent_ * blocks_ + index / block_) * inner_ + i % inner_;
  }

 private:
  bool single_;
  std::int64_t extent_ = 1, inner_ = 1, block_ = 0, blocks_ = 1;
};

using RealTypes = Types<float, Float16, BFloat16>;

// A tensor's numbers as float32.
std::vector<float> floats_of(const ht_tensor_view &t) {
  std::vector<float> out;
  dispatch(t.dtype, Types<float, Float16, BFloat16, std::int32_t>{}, [&]<typename T>() {
    const T *from = in_data<T>(t);
    for (std::int64_t i = 0; i < count_of(t); ++i) out.push_back(static_cast<float>(from[i]));
  });
  return out;
}

void require_zero_point(sdk::KernelInputs inputs, ht_dtype dtype) {
  if (!sdk::present(inputs, 2)) return;
  if (inputs[2].dtype != dtype || count_of(inputs[2]) != count_of(inputs[1])) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "the zero point does not match the scale in shape or the codes in type");
  }
}

class QuantizeLinear {
 public:
  explicit QuantizeLinear(const sdk::OpNode &node)
      : axis_(node.integer("axis", 1)), block_(node.integer("block_size", 0)), dtype_(HT_U8) {
    if (const std::int64_t code = node.integer("output_dtype", 0); code != 0) dtype_ = dtype_of_onnx(code);
    saturate_ = node.flag("saturate", true);
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].dtype != HT_I32) require_type(inputs[0].dtype, RealTypes{});
    require_type(inputs[1].dtype, RealTypes{});
    const ht_dtype to = sdk::present(inputs, 2) ? inputs[2].dtype : dtype_;
    require_type(to, CodeTypes{});
    require_zero_point(inputs, to);
    ScaleMap(inputs[0], inputs[1], axis_, block_);
    sdk::set_type(outputs[0], to, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ScaleMap map(inputs[0], inputs[1], axis_, block_);
    const std::vector<float> scales = floats_of(inputs[1]), values = floats_of(inputs[0]);
    dispatch(outputs[0].dtype, CodeTypes{}, [&]<typename T>() {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto at = static_cast<std::int64_t>(i);
        const std::int64_t k = map.of(at);
        const auto ratio = static_cast<double>(values[i] / scales[static_cast<std::size_t>(k)]);
        if constexpr (kIsFloat8<T>) {
          out_data<T>(outputs[0])[i] = float8_of<T>(ratio, saturate_);
        } else {
          const double zero = sdk::present(inputs, 2) ? load_code<T>(inputs[2].data, k) : 0.0;
          store_code<T>(outputs[0].data, at, std::nearbyint(ratio) + zero);
        }
      }
    });
  }

 private:
  std::int64_t axis_, block_;
  ht_dtype dtype_;
  bool saturate_ = true;
};

class DequantizeLinear {
 public:
  explicit DequantizeLinear(const sdk::OpNode &node)
      : axis_(node.integer("axis", 1)), block_(node.integer("block_size", 0)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, CodeTypes{});
    require_type(inputs[1].dtype, RealTypes{});
    require_zero_point(inputs, inputs[0].dtype);
    ScaleMap(inputs[0], inputs[1], axis_, block_);
    sdk::set_type(outputs[0], inputs[1].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ScaleMap map(inputs[0], inputs[1], axis_, block_);
    const std::vector<float> scales = floats_of(inputs[1]);
    const std::int64_t n = count_of(inputs[0]);
    std::vector<float> values(static_cast<std::size_t>(n));
    dispatch(inputs[0].dtype, CodeTypes{}, [&]<typename T>() {
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t k = map.of(i);
        const double zero = sdk::present(inputs, 2) ? load_code<T>(inputs[2].data, k) : 0.0;
        // The difference in float32, as everyone computes it: it is exact but for int32.
        values[static_cast<std::size_t>(i)] =
            static_cast<float>(load_code<T>(inputs[0].data, i) - zero) * scales[static_cast<std::size_t>(k)];
      }
    });
    dispatch(outputs[0].dtype, RealTypes{}, [&]<typename T>() {
      for (std::size_t i = 0; i < values.size(); ++i) out_data<T>(outputs[0])[i] = static_cast<T>(values[i]);
    });
  }

 private:
  std::int64_t axis_, block_;
};

}  // namespace
HALFTONE_OP_KERNEL(QuantizeLinear, "QuantizeLinear", 10, kNewest)
HALFTONE_OP_KERNEL(DequantizeLinear, "DequantizeLinear", 10, kNewest)
HALFTONE_OP_KERNEL_OF("com.microsoft", QuantizeLinear, "QuantizeLinear", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", DequantizeLinear, "DequantizeLinear", 1, 1)
}  // namespace halftone::reference
