// An operator of one's own with all that running and training it takes: a kernel, and a gradient.
// SoftGate: y = x * sigmoid(sharpness * gate), for two tensors of the same shape.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "halftone/op_gradient.hpp"
#include "halftone/op_kernel.hpp"

namespace {

namespace sdk = halftone::sdk;

double opening(double sharpness, float gate) {
  return 1.0 / (1.0 + std::exp(-sharpness * static_cast<double>(gate)));
}

class SoftGate {
 public:
  explicit SoftGate(const sdk::OpNode &node) : sharpness_(node.number("sharpness", 1.0)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const auto x = sdk::shape_of(inputs[0]), gate = sdk::shape_of(inputs[1]);
    if (inputs[0].dtype != HT_F32 || inputs[1].dtype != HT_F32)
      throw sdk::Failure(HT_UNIMPLEMENTED, "it takes float32 alone");
    if (!std::ranges::equal(x, gate)) throw sdk::Failure(HT_INVALID_ARGUMENT, "x and gate have different shapes");
    sdk::set_type(outputs[0], HT_F32, x);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const auto *x = static_cast<const float *>(inputs[0].data), *gate = static_cast<const float *>(inputs[1].data);
    auto *y = static_cast<float *>(outputs[0].data);
    for (std::int64_t i = 0; i < sdk::count_of(inputs[0]); ++i) {
      y[i] = static_cast<float>(static_cast<double>(x[i]) * opening(sharpness_, gate[i]));
    }
  }

 private:
  double sharpness_;
};

class SoftGateGradient {
 public:
  // The gradient reads both inputs and not the output, and both inputs have one.
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = sdk::slots(0, 1), .reads_outputs = 0, .differentiates = sdk::slots(0, 1)};

  explicit SoftGateGradient(const sdk::OpNode &node) : sharpness_(node.number("sharpness", 1.0)) {}
  void backward(const sdk::Backward &pass) const {
    const auto x = pass.x(0), gate = pass.x(1), dy = pass.dy();
    for (std::size_t i = 0; i < dy.size(); ++i) {
      const double open = opening(sharpness_, gate[i]), given = static_cast<double>(dy[i]);
      if (pass.wants(0)) pass.dx(0)[i] = static_cast<float>(given * open);
      if (pass.wants(1)) {
        pass.dx(1)[i] = static_cast<float>(given * static_cast<double>(x[i]) * sharpness_ * open * (1.0 - open));
      }
    }
  }

 private:
  double sharpness_;
};

class OwnKernels : public sdk::OpKernels {
 public:
  static void describe(sdk::Description &d) {
    d.id("own-kernels").title("kernels of com.example").capabilities(HT_CAP_GRAPH_READ).threading(HT_THREADING_FREE);
  }
  explicit OwnKernels(const sdk::Args &) {}
};

class OwnGradients : public sdk::OpGradients {
 public:
  static void describe(sdk::Description &d) {
    d.id("own-gradients")
        .title("gradients of com.example")
        .capabilities(HT_CAP_GRAPH_READ)
        .threading(HT_THREADING_FREE);
  }
  explicit OwnGradients(const sdk::Args &) {}
};

}  // namespace

HALFTONE_OP_KERNELS(OwnKernels)
HALFTONE_OP_KERNEL_OF("com.example", SoftGate, "SoftGate", 1, 1)
HALFTONE_OP_GRADIENTS(OwnGradients)
HALFTONE_OP_GRADIENT_OF("com.example", SoftGateGradient, "SoftGate", 1, 1)
HALFTONE_PLUGIN("example.own-operator", "0.1.0", "Apache-2.0")
