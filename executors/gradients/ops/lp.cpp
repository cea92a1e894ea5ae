// Gradients of Lp norms: of windows (LpPool), of planes (GlobalLpPool), and of the division by them (LpNormalization).
// The norm of zeros has gradient 0, as PyTorch's norm() takes it; so has a row of zeros under LpNormalization.
#include <cmath>

#include "ops/window.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

// The order is an integer, and was a float in opset 1.
double order_of(const sdk::OpNode &node) {
  const auto p = node.attribute("p");
  if (!p) return 2;
  return p->kind == HT_ATTR_FLOAT ? node.number("p", 2.0) : static_cast<double>(node.integer("p", 2));
}

// The derivative of the norm, which is `norm`, by one of its elements.
double norm_derivative(double x, double norm, double p) {
  if (norm == 0 || x == 0) return 0;
  return std::copysign(std::pow(std::fabs(x) / norm, p - 1), x);
}

class LpPoolGradient {
 public:
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = sdk::slots(0), .reads_outputs = sdk::slots(0), .differentiates = sdk::slots(0)};
  explicit LpPoolGradient(const sdk::OpNode &node) : attributes_(node), p_(order_of(node)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const reference::Window window(attributes_, pass.input_shape(0).subspan(2), {});
    const auto table = reference::window_table(window);
    const std::int64_t plane = count_of(window.input), positions = window.positions();
    const auto x = pass.x(), y = pass.y(), dy = pass.dy();
    Sums dx(pass.dx());
    for (std::size_t i = 0; i < dy.size(); ++i) {
      const std::int64_t c = static_cast<std::int64_t>(i) / positions, p = static_cast<std::int64_t>(i) % positions;
      for (std::int64_t t = 0; t < window.taps(); ++t) {
        const std::int32_t tap = table[static_cast<std::size_t>(t * positions + p)];
        if (tap < 0) continue;
        const std::int64_t at = c * plane + tap;
        dx[at] += static_cast<double>(dy[i]) *
                  norm_derivative(static_cast<double>(x[static_cast<std::size_t>(at)]), static_cast<double>(y[i]), p_);
      }
    }
    dx.store();
  }

 private:
  reference::WindowAttributes attributes_;
  double p_;
};

class GlobalLpPoolGradient {
 public:
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = sdk::slots(0), .reads_outputs = sdk::slots(0), .differentiates = sdk::slots(0)};
  explicit GlobalLpPoolGradient(const sdk::OpNode &node) : p_(order_of(node)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const auto x = pass.x(), y = pass.y(), dy = pass.dy();
    const std::size_t plane = dy.empty() ? 0 : x.size() / dy.size();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t c = i / plane;
      pass.dx()[i] = static_cast<float>(static_cast<double>(dy[c]) *
                                        norm_derivative(static_cast<double>(x[i]), static_cast<double>(y[c]), p_));
    }
  }

 private:
  double p_;
};

class LpNormalizationGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0), .differentiates = sdk::slots(0)};
  explicit LpNormalizationGradient(const sdk::OpNode &node) : axis_(node.integer("axis", -1)), p_(order_of(node)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const auto x = pass.x(), dy = pass.dy();
    const auto dx = pass.dx();
    const Rows rows(pass.input_shape(0), axis_of(axis_, pass.input_shape(0).size()));
    for (std::int64_t r = 0; r < rows.count; ++r) {
      double sum = 0, product = 0;
      for (std::int64_t i = 0; i < rows.length; ++i) {
        const auto at = static_cast<std::size_t>(rows.start(r) + i * rows.inner);
        sum += std::pow(std::fabs(static_cast<double>(x[at])), p_);
        product += static_cast<double>(x[at]) * static_cast<double>(dy[at]);
      }
      const double norm = std::pow(sum, 1 / p_);
      for (std::int64_t i = 0; i < rows.length; ++i) {
        const auto at = static_cast<std::size_t>(rows.start(r) + i * rows.inner);
        const double slope = norm_derivative(static_cast<double>(x[at]), norm, p_);
        dx[at] = norm == 0 ? 0.0F : static_cast<float>((static_cast<double>(dy[at]) - slope * product / norm) / norm);
      }
    }
  }

 private:
  std::int64_t axis_;
  double p_;
};

}  // namespace
HALFTONE_OP_GRADIENT(LpPoolGradient, "LpPool", 1, kNewest)
HALFTONE_OP_GRADIENT(GlobalLpPoolGradient, "GlobalLpPool", 1, kNewest)
HALFTONE_OP_GRADIENT(LpNormalizationGradient, "LpNormalization", 1, kNewest)
}  // namespace halftone::gradients
