// Softmax, LogSoftmax and Hardmax along one axis. Source: ONNX operators of these names, opset 13; import lifts the
// older meaning, a softmax over all axes from `axis` on.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// Row functions: of n values, `step` apart.
template <bool kLog>
struct SoftmaxRow {
  template <typename T>
  static void apply(const T *x, T *y, std::int64_t n, std::int64_t step) {
    double top = static_cast<double>(x[0]), sum = 0;
    for (std::int64_t i = 1; i < n; ++i) top = std::max(top, static_cast<double>(x[i * step]));
    for (std::int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[i * step]) - top);
    const double log = std::log(sum);
    for (std::int64_t i = 0; i < n; ++i) {
      const double shifted = static_cast<double>(x[i * step]) - top;
      y[i * step] = static_cast<T>(kLog ? shifted - log : std::exp(shifted) / sum);
    }
  }
};
// 1 at the first of the greatest, 0 elsewhere.
struct HardmaxRow {
  template <typename T>
  static void apply(const T *x, T *y, std::int64_t n, std::int64_t step) {
    std::int64_t best = 0;
    for (std::int64_t i = 1; i < n; ++i) best = x[i * step] > x[best * step] ? i : best;
    for (std::int64_t i = 0; i < n; ++i) y[i * step] = static_cast<T>(i == best ? 1.0 : 0.0);
  }
};

template <typename Row>
class SoftmaxKernel {
 public:
  explicit SoftmaxKernel(const sdk::OpNode &node) : axis_(node.integer("axis", -1)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    axis_of(axis_, inputs[0].rank);
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const ShapeSpan shape = shape_of(inputs[0]);
      const std::size_t axis = axis_of(axis_, shape.size());
      const std::int64_t n = shape[axis], inner = count_of(shape, axis + 1, shape.size());
      const std::int64_t rows = count_of(shape, 0, axis) * inner;
      for (std::int64_t r = 0; r < rows && n > 0; ++r) {
        const std::int64_t start = r / inner * n * inner + r % inner;
        Row::apply(in_data<T>(inputs[0]) + start, out_data<T>(outputs[0]) + start, n, inner);
      }
    });
  }

 private:
  std::int64_t axis_;
};
using Softmax = SoftmaxKernel<SoftmaxRow<false>>;
using LogSoftmax = SoftmaxKernel<SoftmaxRow<true>>;
using Hardmax = SoftmaxKernel<HardmaxRow>;

}  // namespace
HALFTONE_OP_KERNEL(Softmax, "Softmax", 13, kNewest)
HALFTONE_OP_KERNEL(Hardmax, "Hardmax", 13, kNewest)
HALFTONE_OP_KERNEL(LogSoftmax, "LogSoftmax", 13, kNewest)
}  // namespace halftone::reference
