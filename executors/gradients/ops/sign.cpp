// Gradients of Abs, Neg and Relu; at 0, those of Abs and Relu are 0, as PyTorch takes them.
#include "sums.h"
#include "unary.h"

namespace halftone::gradients {
namespace {

struct Abs {
  double operator()(double x) const { return x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0); }
};
struct Relu {
  double operator()(double y) const { return y > 0 ? 1.0 : 0.0; }
};
using AbsGradient = OfInput<Abs>;
using ReluGradient = OfOutput<Relu>;

class NegGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit NegGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const auto dy = pass.dy();
    for (std::size_t i = 0; i < dy.size(); ++i) pass.dx()[i] = -dy[i];
  }
};

}  // namespace
HALFTONE_OP_GRADIENT(AbsGradient, "Abs", 6, kNewest)
HALFTONE_OP_GRADIENT(NegGradient, "Neg", 6, kNewest)
HALFTONE_OP_GRADIENT(ReluGradient, "Relu", 6, kNewest)
}  // namespace halftone::gradients
