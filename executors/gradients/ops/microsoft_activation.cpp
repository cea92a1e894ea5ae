// Gradients of com.microsoft's activation functions: BiasGelu and FastGelu are Gelus of x plus a bias over the last
// axis.
#include "ops/sigmoids.h"
#include "sums.h"
#include "unary.h"

namespace halftone::gradients {
namespace {

struct ErfGelu {
  double operator()(double x) const { return gelu_derivative(x); }
};
struct QuickGelu {
  explicit QuickGelu(const sdk::OpNode &node) : alpha(node.number("alpha", 1.702f)) {}
  double operator()(double x) const { return swish_derivative(x, alpha); }
  double alpha;
};

template <bool kFast>
class BiasedGeluGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1)};
  explicit BiasedGeluGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    const auto x = pass.x(), dy = pass.dy();
    const auto bias = pass.has_input(1) ? pass.x(1) : std::span<const float>();
    Sums dbias(pass.wants(1) ? pass.dx(1) : std::span<float>());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t k = bias.empty() ? 0 : i % bias.size();
      const double sum = static_cast<double>(x[i]) + (bias.empty() ? 0.0 : static_cast<double>(bias[k]));
      const double d = static_cast<double>(dy[i]) * (kFast ? tanh_gelu_derivative(sum) : gelu_derivative(sum));
      if (pass.wants(0)) pass.dx(0)[i] = static_cast<float>(d);
      if (pass.wants(1)) dbias[static_cast<std::int64_t>(k)] += d;
    }
    dbias.store();
  }
};
using ErfGeluGradient = OfInput<ErfGelu>;
using QuickGeluGradient = OfInput<QuickGelu>;
using FastGeluGradient = BiasedGeluGradient<true>;
using BiasGeluGradient = BiasedGeluGradient<false>;

}  // namespace
HALFTONE_OP_GRADIENT_OF("com.microsoft", ErfGeluGradient, "Gelu", 1, 1)
HALFTONE_OP_GRADIENT_OF("com.microsoft", BiasGeluGradient, "BiasGelu", 1, 1)
HALFTONE_OP_GRADIENT_OF("com.microsoft", FastGeluGradient, "FastGelu", 1, 1)
HALFTONE_OP_GRADIENT_OF("com.microsoft", QuickGeluGradient, "QuickGelu", 1, 1)
}  // namespace halftone::gradients
