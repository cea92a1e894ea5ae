// Optional, OptionalHasElement and OptionalGetElement of tensors. A value that is absent is an empty slot, as one that
// the node leaves out. Source: the ONNX operators of these names, opset 15 and 18.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class HasElement {
 public:
  explicit HasElement(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs, sdk::KernelTypes outputs) const { sdk::set_type(outputs[0], HT_BOOL, Shape{}); }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    *out_data<bool>(outputs[0]) = sdk::present(inputs, 0);
  }
};

// The element of an optional value is the tensor itself.
class Element {
 public:
  explicit Element(const sdk::OpNode &node) : makes_optional_(node.node().op_type() == "Optional") {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (!sdk::present(inputs, 0)) {
      if (makes_optional_) throw sdk::Failure(HT_UNIMPLEMENTED, "it makes an optional value without an element");
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the optional value that it reads has no element");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const { copy_all(inputs[0], outputs[0]); }

 private:
  bool makes_optional_;
};

}  // namespace
HALFTONE_OP_KERNEL(Element, "Optional", 15, kNewest)
HALFTONE_OP_KERNEL(HasElement, "OptionalHasElement", 15, kNewest)
HALFTONE_OP_KERNEL(Element, "OptionalGetElement", 15, kNewest)
}  // namespace halftone::reference
