// The vendor's own operator com.example.tern.LutActivation: an activation by name. With this kernel every executor of
// Halftone runs it, in float and simulated; integer mode calls it between two grids, as it does for any operator.
#include <string>

#include "halftone/op_kernel.hpp"
#include "lut_functions.h"

namespace sdk = halftone::sdk;

namespace tern {
namespace {

class LutActivation {
 public:
  explicit LutActivation(const sdk::OpNode &node) : function_(lut_function(node.text("function", ""))) {
    if (function_ == nullptr) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "its function '" + node.text("function", "") +
                                               "' is none of sigmoid, tanh, swish and hard-swish");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], inputs[0].dtype, sdk::shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    if (inputs[0].dtype != HT_F32) throw sdk::Failure(HT_UNIMPLEMENTED, "the operator is of float32");
    const auto *from = static_cast<const float *>(inputs[0].data);
    auto *to = static_cast<float *>(outputs[0].data);
    for (std::int64_t i = 0, n = sdk::count_of(inputs[0]); i < n; ++i) {
      to[i] = static_cast<float>(function_->compute(double{from[i]}));
    }
  }

 private:
  const LutFunction *function_;
};

class TernKernels : public sdk::OpKernels {
 public:
  static void describe(sdk::Description &d) {
    d.id("tern-kernels")
        .title("kernels for the operators of Tern")
        .doc("LutActivation of the domain com.example.tern, computed in double and rounded once to float32.")
        .capabilities(HT_CAP_GRAPH_READ)
        .threading(HT_THREADING_FREE);
  }
  explicit TernKernels(const sdk::Args &) {}
};

}  // namespace
HALFTONE_OP_KERNELS(TernKernels)
HALFTONE_OP_KERNEL_OF("com.example.tern", LutActivation, "LutActivation", 1, 1)
}  // namespace tern
