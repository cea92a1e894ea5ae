// PRelu: the slope broadcasts to the input. Source: the ONNX operator of this name.
#include "ops/binary.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class PRelu {
 public:
  explicit PRelu(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, SlopeTypes{});
    if (broadcast(shape_of(inputs[0]), shape_of(inputs[1])) != shape_copy(inputs[0])) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the slope does not broadcast to the input");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, SlopeTypes{}, [&]<typename T>() {
      apply_binary<T, T, T>(inputs[0], inputs[1], outputs[0], [](T x, T slope) { return x < T{0} ? x * slope : x; });
    });
  }

 private:
  using SlopeTypes = Types<float, double, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t, Float16, BFloat16>;
};

}  // namespace
HALFTONE_OP_KERNEL(PRelu, "PRelu", 9, kNewest)
}  // namespace halftone::reference
