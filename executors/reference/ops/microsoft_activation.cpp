// Activation functions of com.microsoft, the operators that ONNX Runtime adds to ONNX's (its ContribOperators.md).
#include <cmath>
#include <numbers>

#include "ops/unary.h"

namespace halftone::reference {
namespace {

struct ErfGelu {
  double operator()(double x) const { return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2)); }
};
struct FastGelu {
  explicit FastGelu(const sdk::OpNode &node) {
    if (node.has_input(1)) throw sdk::Failure(HT_UNIMPLEMENTED, "its bias is not supported; write an Add before it");
  }
  double operator()(double x) const {
    const double root = std::sqrt(2.0 * std::numbers::inv_pi);
    return 0.5 * x * (1.0 + std::tanh(root * (x + 0.044715 * x * x * x)));
  }
};
struct QuickGelu {
  explicit QuickGelu(const sdk::OpNode &node) : alpha(node.number("alpha", 1.702f)) {}
  double operator()(double x) const { return x / (1.0 + std::exp(-alpha * x)); }
  double alpha;
};

using ErfGeluKernel = FloatUnary<ErfGelu>;
using FastGeluKernel = FloatUnary<FastGelu>;
using QuickGeluKernel = FloatUnary<QuickGelu>;

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", ErfGeluKernel, "Gelu", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", FastGeluKernel, "FastGelu", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", QuickGeluKernel, "QuickGelu", 1, 1)
}  // namespace halftone::reference
