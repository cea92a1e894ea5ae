// A gradient for an operator that ONNX does not have, and its kernel: y = x where x is at least 0, slope * x elsewhere.
// With both, models with the operator run and are trained.
#include <halftone/op_gradient.hpp>
#include <halftone/op_kernel.hpp>

namespace sdk = halftone::sdk;

// One node: attributes are read once, then samples come from several threads at once.
class TemplateNameKernel {
 public:
  explicit TemplateNameKernel(const sdk::OpNode &node) : slope_(static_cast<float>(node.number("slope", 0.01))) {}

  // The outputs' types from the inputs'. A kernel whose output shape depends on data that is not there yet throws
  // sdk::needs_data().
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].dtype != HT_F32) throw sdk::Failure(HT_UNIMPLEMENTED, "its input is not float32");
    sdk::set_type(outputs[0], HT_F32, sdk::shape_of(inputs[0]));
  }
  // Plain contiguous tensors; outputs are as infer() said and never lie where inputs lie.
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const auto *x = static_cast<const float *>(inputs[0].data);
    auto *y = static_cast<float *>(outputs[0].data);
    for (std::int64_t i = 0; i < sdk::count_of(inputs[0]); ++i) y[i] = x[i] >= 0 ? x[i] : slope_ * x[i];
  }

 private:
  float slope_;
};

// The way back: dx = dy where x is at least 0, slope * dy elsewhere. One node, as above.
class TemplateNameGradient {
 public:
  // Slots whose data backward() reads, and inputs that have a gradient. The output is not read, so no trainer keeps it.
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = sdk::slots(0), .reads_outputs = 0, .differentiates = sdk::slots(0)};

  explicit TemplateNameGradient(const sdk::OpNode &node) : slope_(static_cast<float>(node.number("slope", 0.01))) {}
  // Every element of dx is written. It depends on the arguments alone: sums, where there are any, go in a fixed order.
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants(0)) return;
    const auto x = pass.x(0), dy = pass.dy();
    const auto dx = pass.dx(0);
    for (std::size_t i = 0; i < dx.size(); ++i) dx[i] = x[i] >= 0 ? dy[i] : slope_ * dy[i];
  }

 private:
  float slope_;
};

// The operator's domain, type, and the opsets of that domain that they are for: from 1 to 1.
HALFTONE_OP_KERNEL_OF("example.device", TemplateNameKernel, "SlopedRelu", 1, 1)
HALFTONE_OP_GRADIENT_OF("example.device", TemplateNameGradient, "SlopedRelu", 1, 1)

// All gradients of the plug-in are one component, and all kernels another.
class TemplateName final : public sdk::OpGradients {
 public:
  static void describe(sdk::Description &d) {
    d.id("template-name").version("0.1.0").title("the gradient of SlopedRelu of example.device");
    d.doc("The gradient of y = x where x is at least 0, slope * x elsewhere.");
    d.capabilities(HT_CAP_GRAPH_READ).threading(HT_THREADING_FREE);
  }
  explicit TemplateName(const sdk::Args &) {}
};

class TemplateNameKernels final : public sdk::OpKernels {
 public:
  static void describe(sdk::Description &d) {
    d.id("template-name").version("0.1.0").title("the operator SlopedRelu of example.device");
    d.doc("y = x where x is at least 0, slope * x elsewhere; slope is an attribute, 0.01 when it is not written.");
    d.capabilities(HT_CAP_GRAPH_READ).threading(HT_THREADING_FREE);
  }
  explicit TemplateNameKernels(const sdk::Args &) {}
};

HALFTONE_OP_GRADIENTS(TemplateName)
HALFTONE_OP_KERNELS(TemplateNameKernels)
HALFTONE_PLUGIN("com.example.template-name", "0.1.0", "Apache-2.0")
