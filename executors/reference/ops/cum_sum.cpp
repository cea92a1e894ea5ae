// CumSum along an axis that comes as an input. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class CumSum {
 public:
  explicit CumSum(const sdk::OpNode &node)
      : exclusive_(node.flag("exclusive", false)), reverse_(node.flag("reverse", false)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, NumericTypes{});
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    const std::size_t axis = axis_of(integers_of(inputs[1]).at(0), shape.size());
    const std::int64_t n = shape[axis], inner = count_of(shape, axis + 1, shape.size());
    dispatch(inputs[0].dtype, NumericTypes{}, [&]<typename T>() {
      for (std::int64_t r = 0; r < count_of(shape, 0, axis) * inner; ++r) {
        const std::int64_t start = r / inner * n * inner + r % inner;
        Accumulator<T> sum{};
        for (std::int64_t i = 0; i < n; ++i) {
          const std::int64_t at = start + (reverse_ ? n - 1 - i : i) * inner;
          const auto value = static_cast<Accumulator<T>>(in_data<T>(inputs[0])[at]);
          out_data<T>(outputs[0])[at] = static_cast<T>(exclusive_ ? sum : sum + value);
          sum += value;
        }
      }
    });
  }

 private:
  bool exclusive_, reverse_;
};

}  // namespace
HALFTONE_OP_KERNEL(CumSum, "CumSum", 11, kNewest)
}  // namespace halftone::reference
