// A kernel for an operator that ONNX does not have: y = x where x is at least 0, slope * x elsewhere. With it every
// executor that falls back on kernels runs models with the operator.
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

// The operator's domain, type, and the opsets of that domain that the kernel is for: from 1 to 1.
HALFTONE_OP_KERNEL_OF("example.device", TemplateNameKernel, "SlopedRelu", 1, 1)

// All kernels of the plug-in are one component.
class TemplateName final : public sdk::OpKernels {
 public:
  static void describe(sdk::Description &d) {
    d.id("template-name").version("0.1.0").title("the operator SlopedRelu of example.device");
    d.doc("y = x where x is at least 0, slope * x elsewhere; slope is an attribute, 0.01 when it is not written.");
    d.capabilities(HT_CAP_GRAPH_READ).threading(HT_THREADING_FREE);
  }
  explicit TemplateName(const sdk::Args &) {}
};

HALFTONE_OP_KERNELS(TemplateName)
HALFTONE_PLUGIN("com.example.template-name", "0.1.0", "Apache-2.0")
