// TopK: of equal elements the one with the lower index comes first. The result is sorted whatever `sorted` says.
// Source: the ONNX operator of this name.
#include <algorithm>
#include <numeric>

#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class TopK {
 public:
  explicit TopK(const sdk::OpNode &node) : axis_(node.integer("axis", -1)), largest_(node.flag("largest", true)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, NumericTypes{});
    Shape shape = shape_copy(inputs[0]);
    std::int64_t &extent = shape[axis_of(axis_, shape.size())];
    const std::int64_t k = integers_of(inputs[1]).at(0);
    if (k < 0 || k > extent) throw sdk::Failure(HT_INVALID_ARGUMENT, "K is greater than the axis");
    extent = k;
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
    if (outputs.size() > 1) sdk::set_type(outputs[1], HT_I64, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    const std::size_t axis = axis_of(axis_, shape.size());
    const std::int64_t n = shape[axis], k = outputs[0].shape[axis], inner = count_of(shape, axis + 1, shape.size());
    Shape order(static_cast<std::size_t>(n));
    dispatch(inputs[0].dtype, NumericTypes{}, [&]<typename T>() {
      for (std::int64_t r = 0; r < count_of(shape, 0, axis) * inner; ++r) {
        const T *x = in_data<T>(inputs[0]) + r / inner * n * inner + r % inner;
        std::iota(order.begin(), order.end(), 0);
        std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](std::int64_t a, std::int64_t b) {
          const T u = x[a * inner], v = x[b * inner];
          return u != v ? (largest_ ? u > v : u < v) : a < b;
        });
        for (std::int64_t i = 0; i < k; ++i) {
          const std::int64_t to = r / inner * k * inner + i * inner + r % inner,
                             from = order[static_cast<std::size_t>(i)];
          out_data<T>(outputs[0])[to] = x[from * inner];
          if (outputs.size() > 1) out_data<std::int64_t>(outputs[1])[to] = from;
        }
      }
    });
  }

 private:
  std::int64_t axis_;
  bool largest_;
};

}  // namespace
HALFTONE_OP_KERNEL(TopK, "TopK", 10, kNewest)
}  // namespace halftone::reference
