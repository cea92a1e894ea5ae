// Gradients of GlobalAveragePool and GlobalMaxPool. Of equal maxima the first has the gradient, as in PyTorch.
#include "sums.h"

namespace halftone::gradients {
namespace {

class GlobalAveragePoolGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit GlobalAveragePoolGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const auto dy = pass.dy();
    const auto dx = pass.dx();
    const std::size_t plane = dy.empty() ? 0 : dx.size() / dy.size();
    for (std::size_t i = 0; i < dx.size(); ++i) {
      dx[i] = static_cast<float>(static_cast<double>(dy[i / plane]) / static_cast<double>(plane));
    }
  }
};

class GlobalMaxPoolGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0), .differentiates = sdk::slots(0)};
  explicit GlobalMaxPoolGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const auto x = pass.x(), dy = pass.dy();
    const auto dx = pass.dx();
    std::ranges::fill(dx, 0.0F);
    const std::size_t plane = dy.empty() ? 0 : x.size() / dy.size();
    for (std::size_t c = 0; c < dy.size() && plane > 0; ++c) {
      std::size_t best = c * plane;
      for (std::size_t i = best + 1; i < (c + 1) * plane; ++i) {
        if (x[i] > x[best] || x[i] != x[i]) best = i;
      }
      dx[best] = dy[c];
    }
  }
};

}  // namespace
HALFTONE_OP_GRADIENT(GlobalAveragePoolGradient, "GlobalAveragePool", 1, kNewest)
HALFTONE_OP_GRADIENT(GlobalMaxPoolGradient, "GlobalMaxPool", 1, kNewest)
}  // namespace halftone::gradients
