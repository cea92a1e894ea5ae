// Clip with bounds from inputs. Source: the ONNX operator of this name.
#include <limits>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Clip {
 public:
  explicit Clip(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, NumericTypes{});
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, NumericTypes{}, [&]<typename T>() {
      const T *x = in_data<T>(inputs[0]);
      T *y = out_data<T>(outputs[0]);
      const bool has_low = sdk::present(inputs, 1), has_high = sdk::present(inputs, 2);
      const T low = has_low ? *in_data<T>(inputs[1]) : T{};
      const T high = has_high ? *in_data<T>(inputs[2]) : T{};
      const std::int64_t n = count_of(inputs[0]);
      for (std::int64_t i = 0; i < n; ++i) {
        y[i] = has_low && x[i] < low ? low : x[i];
        if (has_high && y[i] > high) y[i] = high;  // where low > high, high wins
      }
    });
  }
};

}  // namespace
HALFTONE_OP_KERNEL(Clip, "Clip", 11, kNewest)
}  // namespace halftone::reference
