// Gradients of activation functions. At a bend the side is PyTorch's (1.13), stated at each: "left" is the derivative
// from below.
#include <cmath>

#include "ops/sigmoids.h"
#include "sums.h"
#include "unary.h"

namespace halftone::gradients {
namespace {

struct Sigmoid {
  double operator()(double y) const { return y * (1.0 - y); }
};
struct Tanh {
  double operator()(double y) const { return 1.0 - y * y; }
};
struct Softplus {
  double operator()(double x) const { return sigmoid(x); }
};
struct Softsign {
  double operator()(double x) const { return 1.0 / ((1.0 + std::fabs(x)) * (1.0 + std::fabs(x))); }
};
struct Mish {
  double operator()(double x) const {
    const double soft = x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)), t = std::tanh(soft);
    return t + x * sigmoid(x) * (1.0 - t * t);
  }
};
struct HardSwish {  // right at -3, left at 3
  double operator()(double x) const { return x < -3 ? 0.0 : (x <= 3 ? x / 3.0 + 0.5 : 1.0); }
};
struct LeakyRelu {  // left
  explicit LeakyRelu(const sdk::OpNode &node) : alpha(node.number("alpha", 0.01f)) {}
  double operator()(double x) const { return x > 0 ? 1.0 : alpha; }
  double alpha;
};
struct ThresholdedRelu {  // left
  explicit ThresholdedRelu(const sdk::OpNode &node) : alpha(node.number("alpha", 1.0)) {}
  double operator()(double x) const { return x > alpha ? 1.0 : 0.0; }
  double alpha;
};
struct HardSigmoid {  // 0 at both ends
  explicit HardSigmoid(const sdk::OpNode &node) : alpha(node.number("alpha", 0.2f)), beta(node.number("beta", 0.5)) {}
  double operator()(double x) const {
    const double line = alpha * x + beta;
    return line > 0 && line < 1 ? alpha : 0.0;
  }
  double alpha, beta;
};
struct Shrink {  // 0 at both ends
  explicit Shrink(const sdk::OpNode &node) : lambd(node.number("lambd", 0.5)) {}
  double operator()(double x) const { return x < -lambd || x > lambd ? 1.0 : 0.0; }
  double lambd;
};
struct Swish {
  explicit Swish(const sdk::OpNode &node) : alpha(node.number("alpha", 1.0)) {}
  double operator()(double x) const { return swish_derivative(x, alpha); }
  double alpha;
};
struct Elu {  // left
  explicit Elu(const sdk::OpNode &node) : alpha(node.number("alpha", 1.0)) {}
  double operator()(double x) const { return x > 0 ? 1.0 : alpha * std::exp(x); }
  double alpha;
};
struct Selu {  // left
  explicit Selu(const sdk::OpNode &node)
      : alpha(node.number("alpha", 1.67326319217681884765625)),
        gamma(node.number("gamma", 1.05070102214813232421875)) {}
  double operator()(double x) const { return gamma * (x > 0 ? 1.0 : alpha * std::exp(x)); }
  double alpha, gamma;
};
struct Celu {
  explicit Celu(const sdk::OpNode &node) : alpha(node.number("alpha", 1.0)) {}
  double operator()(double x) const { return x > 0 ? 1.0 : std::exp(x / alpha); }
  double alpha;
};
struct Gelu {
  explicit Gelu(const sdk::OpNode &node) : tanh(node.text("approximate", "none") == "tanh") {}
  double operator()(double x) const { return tanh ? tanh_gelu_derivative(x) : gelu_derivative(x); }
  bool tanh;
};

using SigmoidGradient = OfOutput<Sigmoid>;
using TanhGradient = OfOutput<Tanh>;
using SoftplusGradient = OfInput<Softplus>;
using SoftsignGradient = OfInput<Softsign>;
using MishGradient = OfInput<Mish>;
using HardSwishGradient = OfInput<HardSwish>;
using LeakyReluGradient = OfInput<LeakyRelu>;
using ThresholdedReluGradient = OfInput<ThresholdedRelu>;
using HardSigmoidGradient = OfInput<HardSigmoid>;
using ShrinkGradient = OfInput<Shrink>;
using SwishGradient = OfInput<Swish>;
using EluGradient = OfInput<Elu>;
using SeluGradient = OfInput<Selu>;
using CeluGradient = OfInput<Celu>;
using GeluGradient = OfInput<Gelu>;

}  // namespace
HALFTONE_OP_GRADIENT(SigmoidGradient, "Sigmoid", 6, kNewest)
HALFTONE_OP_GRADIENT(TanhGradient, "Tanh", 6, kNewest)
HALFTONE_OP_GRADIENT(SoftplusGradient, "Softplus", 1, kNewest)
HALFTONE_OP_GRADIENT(SoftsignGradient, "Softsign", 1, kNewest)
HALFTONE_OP_GRADIENT(MishGradient, "Mish", 18, kNewest)
HALFTONE_OP_GRADIENT(HardSwishGradient, "HardSwish", 14, kNewest)
HALFTONE_OP_GRADIENT(LeakyReluGradient, "LeakyRelu", 6, kNewest)
HALFTONE_OP_GRADIENT(ThresholdedReluGradient, "ThresholdedRelu", 10, kNewest)
HALFTONE_OP_GRADIENT(HardSigmoidGradient, "HardSigmoid", 6, kNewest)
HALFTONE_OP_GRADIENT(ShrinkGradient, "Shrink", 9, kNewest)
HALFTONE_OP_GRADIENT(SwishGradient, "Swish", 24, kNewest)
HALFTONE_OP_GRADIENT(EluGradient, "Elu", 6, kNewest)
HALFTONE_OP_GRADIENT(SeluGradient, "Selu", 6, kNewest)
HALFTONE_OP_GRADIENT(CeluGradient, "Celu", 12, kNewest)
HALFTONE_OP_GRADIENT(GeluGradient, "Gelu", 20, kNewest)
}  // namespace halftone::gradients
