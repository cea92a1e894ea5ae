// AveragePool. Without count_include_pad only elements of the input count; with it the padding counts too, but not what
// ceil_mode adds beyond it. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/types.h"
#include "ops/version.h"
#include "ops/window.h"

namespace halftone::reference {
namespace {

class AveragePool {
 public:
  explicit AveragePool(const sdk::OpNode &node)
      : attributes_(node), include_pad_(node.flag("count_include_pad", false)) {}

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[0].rank < 3) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has no spatial axis");
    Shape shape = {inputs[0].shape[0], inputs[0].shape[1]};
    const Window window(attributes_, shape_of(inputs[0]).subspan(2), {});
    shape.insert(shape.end(), window.output.begin(), window.output.end());
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() { pool<T>(inputs[0], outputs[0]); });
  }

 private:
  template <typename T>
  void pool(const ht_tensor_view &x, ht_tensor_view &y) const {
    const Window window(attributes_, shape_of(x).subspan(2), {});
    const auto table = window_table(window);
    const std::int64_t plane = count_of(window.input), positions = window.positions(), taps = window.taps();
    for (std::int64_t c = 0; c < x.shape[0] * x.shape[1]; ++c) {
      const T *from = in_data<T>(x) + c * plane;
      T *to = out_data<T>(y) + c * positions;
      for (std::int64_t p = 0; p < positions; ++p) {
        double sum = 0;
        std::int64_t count = 0;
        for (std::int64_t t = 0; t < taps; ++t) {
          const std::int32_t at = table[static_cast<std::size_t>(t * positions + p)];
          if (at >= 0) sum += static_cast<double>(from[at]);
          if (at >= 0 || (include_pad_ && at == -1)) ++count;
        }
        to[p] = static_cast<T>(count == 0 ? 0.0 : sum / static_cast<double>(count));
      }
    }
  }
  WindowAttributes attributes_;
  bool include_pad_;
};

}  // namespace
HALFTONE_OP_KERNEL(AveragePool, "AveragePool", 7, kNewest)
}  // namespace halftone::reference
