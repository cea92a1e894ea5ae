// LayerNormalization over the axes from `axis` on, with the optional mean and inverse deviation.
// Source: the ONNX operator of this name.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class LayerNormalization {
 public:
  explicit LayerNormalization(const sdk::OpNode &node)
      : axis_(node.integer("axis", -1)), epsilon_(node.number("epsilon", 1e-5f)) {}

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    Shape shape = shape_copy(inputs[0]);
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
    const Shape inner(shape.begin() + static_cast<std::ptrdiff_t>(axis_of(axis_, shape.size())), shape.end());
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      if (sdk::present(inputs, i) && broadcast(inner, shape_of(inputs[i])) != inner) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "a parameter's shape does not broadcast to the normalized axes");
      }
    }
    for (std::size_t i = axis_of(axis_, shape.size()); i < shape.size(); ++i) shape[i] = 1;
    outputs.require_at_most(3);
    for (std::size_t i = 1; i < outputs.size(); ++i) sdk::set_type(outputs[i], HT_F32, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() { normalize<T>(inputs, outputs); });
  }

 private:
  // A parameter, repeated over the normalized axes.
  template <typename T>
  static std::vector<double> parameter(sdk::KernelInputs inputs, std::size_t slot, ShapeSpan inner, double deflt) {
    std::vector<double> out(static_cast<std::size_t>(count_of(inner)), deflt);
    if (!sdk::present(inputs, slot)) return out;
    const T *from = in_data<T>(inputs[slot]);
    for_each_row<2>(inner, {strides_of(inner), broadcast_strides(shape_of(inputs[slot]), inner)},
                    [&](const auto &at, std::int64_t n, const auto &step) {
                      for (std::int64_t i = 0; i < n; ++i) {
                        out[static_cast<std::size_t>(at[0] + i)] = static_cast<double>(from[at[1] + i * step[1]]);
                      }
                    });
    return out;
  }
  template <typename T>
  void normalize(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    const std::size_t axis = axis_of(axis_, shape.size());
    const ShapeSpan inner = shape.subspan(axis);
    const std::int64_t rows = count_of(shape.first(axis)), n = count_of(inner);
    const auto scale = parameter<T>(inputs, 1, inner, 1.0), shift = parameter<T>(inputs, 2, inner, 0.0);
    for (std::int64_t r = 0; r < rows; ++r) {
      const T *x = in_data<T>(inputs[0]) + r * n;
      T *y = out_data<T>(outputs[0]) + r * n;
      double mean = 0, variance = 0;
      for (std::int64_t i = 0; i < n; ++i) mean += static_cast<double>(x[i]);
      mean /= static_cast<double>(n);
      for (std::int64_t i = 0; i < n; ++i) variance += std::pow(static_cast<double>(x[i]) - mean, 2);
      const double inverse = 1.0 / std::sqrt(variance / static_cast<double>(n) + epsilon_);
      for (std::int64_t i = 0; i < n; ++i) {
        const auto k = static_cast<std::size_t>(i);
        y[i] = static_cast<T>((static_cast<double>(x[i]) - mean) * inverse * scale[k] + shift[k]);
      }
      if (outputs.size() > 1) out_data<float>(outputs[1])[r] = static_cast<float>(mean);
      if (outputs.size() > 2) out_data<float>(outputs[2])[r] = static_cast<float>(inverse);
    }
  }
  std::int64_t axis_;
  double epsilon_;
};

}  // namespace
HALFTONE_OP_KERNEL(LayerNormalization, "LayerNormalization", 1, kNewest)  // ONNX Runtime wrote it before opset 17
}  // namespace halftone::reference
