// Transpose. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Transpose {
 public:
  explicit Transpose(const sdk::OpNode &node) : perm_(node.integers("perm")) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], inputs[0].dtype, permuted(shape_copy(inputs[0])));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(outputs[0]);
    copy_box(inputs[0].dtype, shape, inputs[0].data, 0, permuted(strides_of(shape_of(inputs[0]))), outputs[0].data, 0,
             strides_of(shape));
  }

 private:
  Shape permuted(const Shape &values) const {
    if (perm_.empty()) return Shape(values.rbegin(), values.rend());
    if (perm_.size() != values.size()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "perm has " + std::to_string(perm_.size()) + " entries for " +
                                                  std::to_string(values.size()) + " axes");
    }
    Shape out;
    std::vector<bool> taken(values.size(), false);
    for (const std::int64_t entry : perm_) {
      const std::size_t axis = axis_of(entry, values.size());
      if (taken[axis]) throw sdk::Failure(HT_INVALID_ARGUMENT, "perm names axis " + std::to_string(axis) + " twice");
      taken[axis] = true;
      out.push_back(values[axis]);
    }
    return out;
  }
  Shape perm_;
};

}  // namespace
HALFTONE_OP_KERNEL(Transpose, "Transpose", 1, kNewest)
}  // namespace halftone::reference
