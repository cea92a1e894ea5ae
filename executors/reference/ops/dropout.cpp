// Dropout at inference: the input, and a mask of ones.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Dropout {
 public:
  explicit Dropout(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
    if (outputs.size() > 1) sdk::set_type(outputs[1], HT_BOOL, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    if (sdk::present(inputs, 2) && *in_data<bool>(inputs[2])) throw sdk::Failure(HT_UNIMPLEMENTED, "training_mode");
    copy_all(inputs[0], outputs[0]);
    if (outputs.size() > 1) std::fill_n(out_data<bool>(outputs[1]), count_of(outputs[1]), true);
  }
};

}  // namespace
HALFTONE_OP_KERNEL(Dropout, "Dropout", 7, kNewest)
}  // namespace halftone::reference
