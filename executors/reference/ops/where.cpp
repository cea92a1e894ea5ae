// Where: elements of any type chosen by a condition. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Where {
 public:
  explicit Where(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const Shape shape = broadcast(shape_of(inputs[0]), shape_of(inputs[1]));
    sdk::set_type(outputs[0], inputs[1].dtype, broadcast(shape, shape_of(inputs[2])));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch_size(inputs[1].dtype, [&]<typename T>() {
      const ShapeSpan shape = shape_of(outputs[0]);
      const bool *condition = in_data<bool>(inputs[0]);
      const T *x = in_data<T>(inputs[1]), *y = in_data<T>(inputs[2]);
      T *to = out_data<T>(outputs[0]);
      for_each_row<4>(shape,
                      {strides_of(shape), broadcast_strides(shape_of(inputs[0]), shape),
                       broadcast_strides(shape_of(inputs[1]), shape), broadcast_strides(shape_of(inputs[2]), shape)},
                      [&](const auto &at, std::int64_t n, const auto &step) {
                        for (std::int64_t i = 0; i < n; ++i) {
                          to[at[0] + i] =
                              condition[at[1] + i * step[1]] ? x[at[2] + i * step[2]] : y[at[3] + i * step[3]];
                        }
                      });
    });
  }
};

}  // namespace
HALFTONE_OP_KERNEL(Where, "Where", 9, kNewest)
}  // namespace halftone::reference
