// Slice with starts, ends, axes and steps from inputs. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/slice_range.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Slice {
 public:
  explicit Slice(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], inputs[0].dtype, SliceRange(inputs).shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const SliceRange range(inputs);
    copy_box(inputs[0].dtype, range.shape, inputs[0].data, range.offset, range.strides, outputs[0].data, 0,
             strides_of(range.shape));
  }
};

}  // namespace
HALFTONE_OP_KERNEL(Slice, "Slice", 10, kNewest)
}  // namespace halftone::reference
