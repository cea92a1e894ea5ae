// Gradient of PRelu by its input and its slope; at 0 the slope's side is taken, as PyTorch does.
#include "broadcasting.h"

namespace halftone::gradients {
namespace {

class PReluGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1)};
  explicit PReluGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    const auto x = pass.x();
    if (pass.wants(0)) {
      const auto slope = pass.x(1);
      sum_to_operand<1>(pass, 0, {1}, [&](const auto &at, std::size_t i) {
        return x[i] > 0 ? 1.0 : static_cast<double>(slope[at[0]]);
      });
    }
    sum_to_operand<0>(pass, 1, {},
                      [&](const auto &, std::size_t i) { return x[i] > 0 ? 0.0 : static_cast<double>(x[i]); });
  }
};

}  // namespace
HALFTONE_OP_GRADIENT(PReluGradient, "PRelu", 9, kNewest)
}  // namespace halftone::gradients
