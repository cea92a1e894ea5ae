// DynamicQuantizeLinear: 8-bit codes without a sign, with the range of the tensor at hand.
// Source: the ONNX operator of this name.
#include <algorithm>
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class DynamicQuantizeLinear {
 public:
  explicit DynamicQuantizeLinear(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].dtype != HT_F32) unsupported_type(inputs[0].dtype);
    sdk::set_type(outputs[0], HT_U8, shape_of(inputs[0]));
    sdk::set_type(outputs[1], HT_F32, {});
    sdk::set_type(outputs[2], HT_U8, {});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const float *x = in_data<float>(inputs[0]);
    const std::int64_t n = count_of(inputs[0]);
    float low = 0, high = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
    // A tensor of zeros would have the scale 0, which no code could be divided by.
    const float scale = high > low ? (high - low) / 255.0F : 1.0F;
    const float zero = std::clamp(std::nearbyint(-low / scale), 0.0F, 255.0F);
    out_data<float>(outputs[1])[0] = scale;
    out_data<std::uint8_t>(outputs[2])[0] = static_cast<std::uint8_t>(zero);
    for (std::int64_t i = 0; i < n; ++i) {
      const float code = std::clamp(std::nearbyint(x[i] / scale) + zero, 0.0F, 255.0F);
      out_data<std::uint8_t>(outputs[0])[i] = static_cast<std::uint8_t>(code);
    }
  }
};

}  // namespace
HALFTONE_OP_KERNEL(DynamicQuantizeLinear, "DynamicQuantizeLinear", 11, kNewest)
}  // namespace halftone::reference
