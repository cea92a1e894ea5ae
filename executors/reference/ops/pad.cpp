// Pad: constant, reflect, edge and wrap; negative pads crop. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/pad_sources.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Pad {
 public:
  explicit Pad(const sdk::OpNode &node) : mode_(node.text("mode", "constant")) { require_pad_mode(mode_); }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const Pads pads(inputs);
    if (sdk::present(inputs, 2) && inputs[2].dtype != inputs[0].dtype) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "constant_value has not the input's type");
    }
    Shape shape = shape_copy(inputs[0]);
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const std::int64_t extent = shape[i];
      shape[i] += pads.begin[i] + pads.end[i];
      if (shape[i] < 0) throw sdk::Failure(HT_INVALID_ARGUMENT, "pads crop more than there is");
      if (extent == 0 && shape[i] > 0 && mode_ != "constant")
        throw sdk::Failure(HT_INVALID_ARGUMENT, "nothing to repeat");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const auto sources = pad_sources(mode_, Pads(inputs), shape_of(inputs[0]), shape_of(outputs[0]));
    const Bytes16 zero{};
    const void *value = sdk::present(inputs, 2) && count_of(inputs[2]) > 0 ? inputs[2].data : &zero;
    dispatch_size(inputs[0].dtype, [&]<typename T>() {
      T constant;
      std::memcpy(&constant, value, sizeof(T));
      const T *x = in_data<T>(inputs[0]);
      T *y = out_data<T>(outputs[0]);
      for_each_source(shape_of(outputs[0]), sources,
                      [&](std::int64_t i, std::int64_t offset) { y[i] = offset < 0 ? constant : x[offset]; });
    });
  }

 private:
  std::string mode_;
};

}  // namespace
HALFTONE_OP_KERNEL(Pad, "Pad", 11, kNewest)
}  // namespace halftone::reference
