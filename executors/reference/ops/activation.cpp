// Activation functions, as the ONNX specification writes them. Source: the ONNX operators of these names.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/unary.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

struct Sigmoid {
  double operator()(double x) const { return 1.0 / (1.0 + std::exp(-x)); }
};
struct Tanh {
  double operator()(double x) const { return std::tanh(x); }
};
double softplus(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}
struct Softplus {
  double operator()(double x) const { return softplus(x); }
};
struct Softsign {
  double operator()(double x) const { return x / (1.0 + std::fabs(x)); }
};
struct Mish {
  double operator()(double x) const { return x * std::tanh(softplus(x)); }
};
struct HardSwish {
  double operator()(double x) const { return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0); }
};
struct LeakyRelu {
  explicit LeakyRelu(const sdk::OpNode &node) : alpha(node.number("alpha", 0.01f)) {}
  double operator()(double x) const { return x < 0 ? alpha * x : x; }
  double alpha;
};
struct ThresholdedRelu {
  explicit ThresholdedRelu(const sdk::OpNode &node) : alpha(node.number("alpha", 1.0)) {}
  double operator()(double x) const { return x > alpha ? x : 0.0; }
  double alpha;
};
struct HardSigmoid {
  explicit HardSigmoid(const sdk::OpNode &node) : alpha(node.number("alpha", 0.2f)), beta(node.number("beta", 0.5)) {}
  double operator()(double x) const { return std::clamp(alpha * x + beta, 0.0, 1.0); }
  double alpha, beta;
};
struct Shrink {
  explicit Shrink(const sdk::OpNode &node) : bias(node.number("bias", 0.0)), lambd(node.number("lambd", 0.5)) {}
  double operator()(double x) const { return x < -lambd ? x + bias : (x > lambd ? x - bias : 0.0); }
  double bias, lambd;
};
struct Swish {
  explicit Swish(const sdk::OpNode &node) : alpha(node.number("alpha", 1.0)) {}
  double operator()(double x) const { return x / (1.0 + std::exp(-alpha * x)); }
  double alpha;
};
struct Elu {
  explicit Elu(const sdk::OpNode &node) : alpha(node.number("alpha", 1.0)) {}
  double operator()(double x) const { return x < 0 ? alpha * std::expm1(x) : x; }
  double alpha;
};
struct Selu {
  explicit Selu(const sdk::OpNode &node)
      : alpha(node.number("alpha", 1.67326319217681884765625)),
        gamma(node.number("gamma", 1.05070102214813232421875)) {}
  double operator()(double x) const { return gamma * (x > 0 ? x : alpha * std::expm1(x)); }
  double alpha, gamma;
};
struct Celu {
  explicit Celu(const sdk::OpNode &node) : alpha(node.number("alpha", 1.0)) {}
  double operator()(double x) const { return std::max(0.0, x) + std::min(0.0, alpha * std::expm1(x / alpha)); }
  double alpha;
};
struct Gelu {
  explicit Gelu(const sdk::OpNode &node) : tanh(node.text("approximate", "none") == "tanh") {}
  double operator()(double x) const {
    if (tanh) {
      const double root = std::sqrt(2.0 * std::numbers::inv_pi);
      return 0.5 * x * (1.0 + std::tanh(root * (x + 0.044715 * x * x * x)));
    }
    return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
  }
  bool tanh;
};

using SigmoidKernel = FloatUnary<Sigmoid>;
using TanhKernel = FloatUnary<Tanh>;
using SoftplusKernel = FloatUnary<Softplus>;
using SoftsignKernel = FloatUnary<Softsign>;
using MishKernel = FloatUnary<Mish>;
using HardSwishKernel = FloatUnary<HardSwish>;
using LeakyReluKernel = FloatUnary<LeakyRelu>;
using ThresholdedReluKernel = FloatUnary<ThresholdedRelu>;
using HardSigmoidKernel = FloatUnary<HardSigmoid>;
using ShrinkKernel = UnaryKernel<Shrink, NumericTypes, true>;
using SwishKernel = FloatUnary<Swish>;
using EluKernel = FloatUnary<Elu>;
using SeluKernel = FloatUnary<Selu>;
using CeluKernel = FloatUnary<Celu>;
using GeluKernel = FloatUnary<Gelu>;

}  // namespace
HALFTONE_OP_KERNEL(SigmoidKernel, "Sigmoid", 6, kNewest)
HALFTONE_OP_KERNEL(TanhKernel, "Tanh", 6, kNewest)
HALFTONE_OP_KERNEL(SoftplusKernel, "Softplus", 1, kNewest)
HALFTONE_OP_KERNEL(SoftsignKernel, "Softsign", 1, kNewest)
HALFTONE_OP_KERNEL(MishKernel, "Mish", 18, kNewest)
HALFTONE_OP_KERNEL(HardSwishKernel, "HardSwish", 14, kNewest)
HALFTONE_OP_KERNEL(LeakyReluKernel, "LeakyRelu", 6, kNewest)
HALFTONE_OP_KERNEL(ThresholdedReluKernel, "ThresholdedRelu", 10, kNewest)
HALFTONE_OP_KERNEL(HardSigmoidKernel, "HardSigmoid", 6, kNewest)
HALFTONE_OP_KERNEL(ShrinkKernel, "Shrink", 9, kNewest)
HALFTONE_OP_KERNEL(SwishKernel, "Swish", 24, kNewest)
HALFTONE_OP_KERNEL(EluKernel, "Elu", 6, kNewest)
HALFTONE_OP_KERNEL(SeluKernel, "Selu", 6, kNewest)
HALFTONE_OP_KERNEL(CeluKernel, "Celu", 12, kNewest)
HALFTONE_OP_KERNEL(GeluKernel, "Gelu", 20, kNewest)
}  // namespace halftone::reference
