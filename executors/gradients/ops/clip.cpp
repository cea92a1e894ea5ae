// Gradient of Clip by its input, which is 1 at both bounds, and by the bounds themselves, which is 1 for what lies
// beyond them: PyTorch's clamp.
#include "sums.h"

namespace halftone::gradients {
namespace {

class ClipGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1, 2), .differentiates = sdk::slots(0, 1, 2)};
  explicit ClipGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    const auto x = pass.x(), dy = pass.dy();
    const bool has_low = pass.has_input(1), has_high = pass.has_input(2);
    const float low = has_low ? pass.x(1)[0] : 0.0F, high = has_high ? pass.x(2)[0] : 0.0F;
    double below = 0, above = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const bool under = has_low && x[i] < low;
      const bool over = has_high && ((under ? low : x[i]) > high);  // where low > high, high wins
      if (pass.wants(0)) pass.dx(0)[i] = under || over ? 0.0F : dy[i];
      if (over) {
        above += static_cast<double>(dy[i]);
      } else if (under) {
        below += static_cast<double>(dy[i]);
      }
    }
    if (pass.wants(1)) pass.dx(1)[0] = static_cast<float>(below);
    if (pass.wants(2)) pass.dx(2)[0] = static_cast<float>(above);
  }
};

}  // namespace
HALFTONE_OP_GRADIENT(ClipGradient, "Clip", 11, kNewest)
}  // namespace halftone::gradients
