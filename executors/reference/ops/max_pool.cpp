// MaxPool with the optional indices of the maxima. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/types.h"
#include "ops/version.h"
#include "ops/window.h"

namespace halftone::reference {
namespace {

class MaxPool {
 public:
  explicit MaxPool(const sdk::OpNode &node) : attributes_(node), column_major_(node.flag("storage_order", false)) {}

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, PoolTypes{});
    if (inputs[0].rank < 3) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has no spatial axis");
    Shape shape = {inputs[0].shape[0], inputs[0].shape[1]};
    const Window window(attributes_, shape_of(inputs[0]).subspan(2), {});
    shape.insert(shape.end(), window.output.begin(), window.output.end());
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
    if (outputs.size() > 1) sdk::set_type(outputs[1], HT_I64, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, PoolTypes{}, [&]<typename T>() { pool<T>(inputs[0], outputs); });
  }

 private:
  using PoolTypes = Types<float, double, std::int8_t, std::uint8_t, Float16, BFloat16>;

  template <typename T>
  void pool(const ht_tensor_view &x, sdk::KernelOutputs outputs) const {
    const Window window(attributes_, shape_of(x).subspan(2), {});
    const auto table = window_table(window);
    const std::int64_t plane = count_of(window.input), positions = window.positions(), taps = window.taps();
    for (std::int64_t c = 0; c < x.shape[0] * x.shape[1]; ++c) {
      const T *from = in_data<T>(x) + c * plane;
      T *to = out_data<T>(outputs[0]) + c * positions;
      for (std::int64_t p = 0; p < positions; ++p) {
        std::int32_t best = -1;
        for (std::int64_t t = 0; t < taps; ++t) {
          const std::int32_t at = table[static_cast<std::size_t>(t * positions + p)];
          if (at >= 0 && (best < 0 || from[at] > from[best] || from[at] != from[at])) best = at;
        }
        if (best < 0) throw sdk::Failure(HT_INVALID_ARGUMENT, "a window lies wholly in the padding");
        to[p] = from[best];
        if (outputs.size() > 1) out_data<std::int64_t>(outputs[1])[c * positions + p] = c * plane + index(window, best);
      }
    }
  }
  // The offset in the plane as the indices output counts it.
  std::int64_t index(const Window &window, std::int64_t offset) const {
    if (!column_major_) return offset;
    std::int64_t out = 0, stride = count_of(window.input);
    for (std::size_t i = window.input.size(); i-- > 0;) {
      stride /= window.input[i];
      out += offset % window.input[i] * stride;
      offset /= window.input[i];
    }
    return out;
  }
  WindowAttributes attributes_;
  bool column_major_;
};

}  // namespace
HALFTONE_OP_KERNEL(MaxPool, "MaxPool", 1, kNewest)
}  // namespace halftone::reference
