// Concat along an axis. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Concat {
 public:
  explicit Concat(const sdk::OpNode &node) : axis_(node.integer("axis", 1)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    Shape shape = shape_copy(inputs[0]);
    const std::size_t axis = axis_of(axis_, shape.size());
    for (const ht_tensor_view &input : inputs.subspan(1)) {
      if (input.dtype != inputs[0].dtype) throw sdk::Failure(HT_INVALID_ARGUMENT, "inputs of different types");
      if (input.rank != shape.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "inputs of different numbers of axes");
      for (std::size_t i = 0; i < shape.size(); ++i) {
        if (i != axis && input.shape[i] != shape[i]) {
          throw sdk::Failure(HT_INVALID_ARGUMENT, "inputs differ along axis " + std::to_string(i));
        }
      }
      shape[axis] += input.shape[axis];
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Shape strides = strides_of(shape_of(outputs[0]));
    const std::size_t axis = axis_of(axis_, strides.size());
    std::int64_t at = 0;
    for (const ht_tensor_view &input : inputs) {
      copy_box(input.dtype, shape_of(input), input.data, 0, strides_of(shape_of(input)), outputs[0].data,
               at * strides[axis], strides);
      at += input.shape[axis];
    }
  }

 private:
  std::int64_t axis_;
};

}  // namespace
HALFTONE_OP_KERNEL(Concat, "Concat", 4, kNewest)
}  // namespace halftone::reference
