// MeanVarianceNormalization: (x - mean) / (deviation + 1e-9) over chosen axes. Source: ONNX function of this name,
// opset 9 and 13.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class MeanVarianceNormalization {
 public:
  explicit MeanVarianceNormalization(const sdk::OpNode &node)
      : axes_(node.optional_integers("axes").value_or(Shape{0, 2, 3})) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    for (const std::int64_t axis : axes_) axis_of(axis, inputs[0].rank);
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    // The group of an element: strides are 0 along the axes that are taken together.
    Shape kept(shape.begin(), shape.end());
    for (const std::int64_t axis : axes_) kept[axis_of(axis, shape.size())] = 1;
    const Shape groups = broadcast_strides(kept, shape);
    const auto count = static_cast<std::size_t>(count_of(kept));
    std::vector<double> mean(count), variance(count);
    const double n = count == 0 ? 1 : static_cast<double>(count_of(shape)) / static_cast<double>(count);
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const auto each = [&](auto visit) {
        for_each_row<2>(shape, {strides_of(shape), groups}, [&](const auto &at, std::int64_t length, const auto &step) {
          for (std::int64_t i = 0; i < length; ++i) {
            visit(at[0] + i, static_cast<std::size_t>(at[1] + i * step[1]),
                  static_cast<double>(in_data<T>(inputs[0])[at[0] + i]));
          }
        });
      };
      each([&](std::int64_t, std::size_t g, double x) { mean[g] += x / n; });
      each([&](std::int64_t, std::size_t g, double x) { variance[g] += (x - mean[g]) * (x - mean[g]) / n; });
      each([&](std::int64_t at, std::size_t g, double x) {
        out_data<T>(outputs[0])[at] = static_cast<T>((x - mean[g]) / (std::sqrt(variance[g]) + 1e-9));
      });
    });
  }

 private:
  Shape axes_;
};

}  // namespace
HALFTONE_OP_KERNEL(MeanVarianceNormalization, "MeanVarianceNormalization", 9, kNewest)
}  // namespace halftone::reference
