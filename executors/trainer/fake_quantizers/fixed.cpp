// Fixed: nothing is learned; gradients go straight through the rounding (Bengio, Leonard and Courville 2013) and stop
// where a value is clamped. An element is beyond the range when its rounded code is, as in PyTorch's
// fake_quantize_per_tensor_affine.
#include "method.h"
#include "step_quantizer.h"

namespace halftone::trainer {
namespace {

class Fixed final : public StepQuantizer {
 public:
  explicit Fixed(const PointSpec &spec) : StepQuantizer(spec, Bounds::kCode) {}
  std::uint32_t learnable() const override { return 0; }
};

const sdk::Params &fixed_parameters() {
  static const sdk::Params none;
  return none;
}

}  // namespace

const Method &fixed_method() {
  static const Method method{"fixed",
                             "The scale stays",
                             "Quantizes with the config's scale. The gradient of a value is that of its quantized "
                             "value, and 0 where that is clamped.",
                             "Bengio, Leonard, Courville 2013, arXiv:1308.3432 (straight-through estimator)",
                             &fixed_parameters,
                             [](const PointSpec &spec, const MethodArguments &) {
                               return std::unique_ptr<FakeQuantizer>(std::make_unique<Fixed>(spec));
                             }};
  return method;
}

}  // namespace halftone::trainer
