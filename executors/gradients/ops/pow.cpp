// Gradient of Pow. By the base it is 0 where the exponent is 0; by the exponent it is 0 where the base is 0 and the
// exponent is not negative, and NaN for negative bases: PyTorch's conventions.
#include <cmath>

#include "broadcasting.h"
#include "ops/reals.h"

namespace halftone::gradients {
namespace {

class PowGradient {
 public:
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = sdk::slots(0, 1), .reads_outputs = sdk::slots(0), .differentiates = sdk::slots(0, 1)};
  explicit PowGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    const auto x = pass.x();
    const std::vector<double> exponent = reference::reals_of(pass.input(1));  // of any type
    sum_to_operand<2>(pass, 0, {0, 1}, [&](const auto &at, std::size_t) {
      const double p = exponent[at[1]];
      return p == 0 ? 0.0 : p * std::pow(static_cast<double>(x[at[0]]), p - 1);
    });
    if (!pass.wants(1)) return;
    const auto y = pass.y();
    sum_to_operand<2>(pass, 1, {0, 1}, [&](const auto &at, std::size_t i) {
      const auto base = static_cast<double>(x[at[0]]);
      return base == 0 && exponent[at[1]] >= 0 ? 0.0 : static_cast<double>(y[i]) * std::log(base);
    });
  }
};

}  // namespace
HALFTONE_OP_GRADIENT(PowGradient, "Pow", 7, kNewest)
}  // namespace halftone::gradients
