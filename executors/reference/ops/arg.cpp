// ArgMax and ArgMin. Source: the ONNX operators of these names.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

template <bool kMax>
class Arg {
 public:
  explicit Arg(const sdk::OpNode &node)
      : axis_(node.integer("axis", 0)),
        keepdims_(node.flag("keepdims", true)),
        last_(node.flag("select_last_index", false)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, NumericTypes{});
    Shape shape = shape_copy(inputs[0]);
    const std::size_t axis = axis_of(axis_, shape.size());
    if (shape[axis] == 0) throw sdk::Failure(HT_INVALID_ARGUMENT, "the axis is empty");
    if (keepdims_) {
      shape[axis] = 1;
    } else {
      shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
    }
    sdk::set_type(outputs[0], HT_I64, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    const std::size_t axis = axis_of(axis_, shape.size());
    const std::int64_t n = shape[axis], inner = count_of(shape, axis + 1, shape.size());
    dispatch(inputs[0].dtype, NumericTypes{}, [&]<typename T>() {
      for (std::int64_t r = 0; r < count_of(shape, 0, axis) * inner; ++r) {
        const T *x = in_data<T>(inputs[0]) + r / inner * n * inner + r % inner;
        std::int64_t best = 0;
        for (std::int64_t i = 1; i < n; ++i) {
          const T a = x[i * inner], b = x[best * inner];
          if ((kMax ? a > b : a < b) || (last_ && a == b)) best = i;
        }
        out_data<std::int64_t>(outputs[0])[r] = best;
      }
    });
  }

 private:
  std::int64_t axis_;
  bool keepdims_, last_;
};
using ArgMax = Arg<true>;
using ArgMin = Arg<false>;

}  // namespace
HALFTONE_OP_KERNEL(ArgMax, "ArgMax", 1, kNewest)
HALFTONE_OP_KERNEL(ArgMin, "ArgMin", 1, kNewest)
}  // namespace halftone::reference
