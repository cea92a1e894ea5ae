// Dropout at inference, or in training with ratio 0: the input, and a mask of ones. Source: ONNX operator Dropout,
// opset 7 to 13.
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
    if (sdk::present(inputs, 2) && *in_data<bool>(inputs[2]) && ratio(inputs) != 0) {
      throw sdk::Failure(HT_UNIMPLEMENTED, "in training_mode it drops random elements: randomness is not offered");
    }
    copy_all(inputs[0], outputs[0]);
    if (outputs.size() > 1) std::fill_n(out_data<bool>(outputs[1]), count_of(outputs[1]), true);
  }

 private:
  static double ratio(sdk::KernelInputs inputs) {
    double out = 0.5;
    if (sdk::present(inputs, 1)) {
      dispatch(inputs[1].dtype, FloatTypes{}, [&]<typename T>() { out = static_cast<double>(*in_data<T>(inputs[1])); });
    }
    return out;
  }
};

}  // namespace
HALFTONE_OP_KERNEL(Dropout, "Dropout", 7, kNewest)
}  // namespace halftone::reference
