// Gradient of Pad: what stands for an element is summed in it, and the rest in the constant.
#include "ops/pad_sources.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

class PadGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1, 3), .differentiates = sdk::slots(0, 2)};
  explicit PadGradient(const sdk::OpNode &node) : mode_(node.text("mode", "constant")) {
    reference::require_pad_mode(mode_);
  }
  void backward(const sdk::Backward &pass) const {
    const auto sources =
        reference::pad_sources(mode_, reference::Pads(pass.inputs()), pass.input_shape(0), pass.output_shape());
    const auto dy = pass.dy();
    Sums dx(pass.wants(0) ? pass.dx(0) : std::span<float>());
    double constant = 0;
    reference::for_each_source(pass.output_shape(), sources, [&](std::int64_t i, std::int64_t offset) {
      const auto value = static_cast<double>(dy[static_cast<std::size_t>(i)]);
      if (offset < 0) constant += value;
      if (offset >= 0 && pass.wants(0)) dx[offset] += value;
    });
    dx.store();
    if (pass.wants(2)) std::ranges::fill(pass.dx(2), static_cast<float>(constant));  // of one element, or empty
  }

 private:
  std::string mode_;
};

}  // namespace
HALFTONE_OP_GRADIENT(PadGradient, "Pad", 11, kNewest)
}  // namespace halftone::gradients
