// The forward of PoolLinear: a kernel, which calibration, evaluation and training call.
#include <array>

#include "head.h"

namespace example {
namespace {

class PoolLinear {
 public:
  explicit PoolLinear(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].dtype != HT_F32 || inputs[1].dtype != HT_F32)
      throw sdk::Failure(HT_UNIMPLEMENTED, "PoolLinear takes float32 alone");
    const Head head = Head::of(sdk::shape_of(inputs[0]), sdk::shape_of(inputs[1]));
    const std::array<std::int64_t, 2> shape = {sdk::shape_of(inputs[0])[0], static_cast<std::int64_t>(head.classes)};
    sdk::set_type(outputs[0], HT_F32, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Head head = Head::of(sdk::shape_of(inputs[0]), sdk::shape_of(inputs[1]));
    const auto x = floats(inputs[0]), w = floats(inputs[1]);
    const bool has_bias = inputs.size() > 2 && inputs[2].dtype != HT_DTYPE_NONE;
    auto *y = static_cast<float *>(outputs[0].data);
    for (std::size_t n = 0; n < head.samples; ++n) {
      const std::vector<double> means = head.pooled(x, n);
      for (std::size_t m = 0; m < head.classes; ++m) {
        double sum = has_bias ? static_cast<double>(floats(inputs[2])[m]) : 0;
        for (std::size_t c = 0; c < head.channels; ++c) sum += means[c] * static_cast<double>(w[m * head.channels + c]);
        y[n * head.classes + m] = static_cast<float>(sum);
      }
    }
  }
};

class Kernels : public sdk::OpKernels {
 public:
  static void describe(sdk::Description &d) {
    d.id("fused-kernels")
        .title("kernels of fused operators")
        .capabilities(HT_CAP_GRAPH_READ)
        .threading(HT_THREADING_FREE)
        .doc("PoolLinear of the domain com.example, a mean over pixels and a product, summed in float64.");
  }
  explicit Kernels(const sdk::Args &) {}
};

}  // namespace

HALFTONE_OP_KERNELS(Kernels)
HALFTONE_OP_KERNEL_OF("com.example", PoolLinear, "PoolLinear", 1, 1)

}  // namespace example
