// Activation functions of com.microsoft, the operators that ONNX Runtime adds to ONNX's (its ContribOperators.md).
#include <cmath>
#include <numbers>

#include "ops/reals.h"
#include "ops/unary.h"

namespace halftone::reference {
namespace {

struct ErfGelu {
  double operator()(double x) const { return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2)); }
};
double tanh_gelu(double x) {
  const double root = std::sqrt(2.0 * std::numbers::inv_pi);
  return 0.5 * x * (1.0 + std::tanh(root * (x + 0.044715 * x * x * x)));
}
struct QuickGelu {
  explicit QuickGelu(const sdk::OpNode &node) : alpha(node.number("alpha", 1.702f)) {}
  double operator()(double x) const { return x / (1.0 + std::exp(-alpha * x)); }
  double alpha;
};

// Of x plus a bias over the last axis; FastGelu may lack the bias.
template <bool kFast>
class BiasedGelu {
 public:
  explicit BiasedGelu(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (sdk::present(inputs, 1) && (inputs[0].rank == 0 || count_of(inputs[1]) != shape_of(inputs[0]).back())) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the bias has not one entry for each of the last axis");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    std::vector<double> x = reals_of(inputs[0]);
    const std::vector<double> bias = sdk::present(inputs, 1) ? reals_of(inputs[1]) : std::vector<double>{0.0};
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double sum = x[i] + bias[i % bias.size()];
      x[i] = kFast ? tanh_gelu(sum) : ErfGelu{}(sum);
    }
    store_reals(x, outputs[0]);
  }
};
using FastGeluKernel = BiasedGelu<true>;
using BiasGeluKernel = BiasedGelu<false>;
using ErfGeluKernel = FloatUnary<ErfGelu>;
using QuickGeluKernel = FloatUnary<QuickGelu>;

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", ErfGeluKernel, "Gelu", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", BiasGeluKernel, "BiasGelu", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", FastGeluKernel, "FastGelu", 1, 1)
HALFTONE_OP_KERNEL_OF("com.microsoft", QuickGeluKernel, "QuickGelu", 1, 1)
}  // namespace halftone::reference
