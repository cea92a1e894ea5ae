// LRN: each element over a power of the squares around it along the channels. Source: the ONNX operator of this name.
#include <algorithm>
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Lrn {
 public:
  explicit Lrn(const sdk::OpNode &node)
      : alpha_(node.number("alpha", 1e-4f)),
        beta_(node.number("beta", 0.75)),
        bias_(node.number("bias", 1.0)),
        size_(node.integer("size", 1)) {
    if (size_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "its size is not positive");
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[0].rank < 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has no channel axis");
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const ht_tensor_view &x = inputs[0];
      const std::int64_t channels = x.shape[1], plane = count_of(shape_of(x), 2, x.rank);
      for (std::int64_t n = 0; n < x.shape[0]; ++n) {
        const T *from = in_data<T>(x) + n * channels * plane;
        T *to = out_data<T>(outputs[0]) + n * channels * plane;
        for (std::int64_t c = 0; c < channels; ++c) {
          const std::int64_t low = std::max<std::int64_t>(0, c - (size_ - 1) / 2);
          const std::int64_t high = std::min(channels - 1, c + size_ / 2);
          for (std::int64_t i = 0; i < plane; ++i) {
            double sum = 0;
            for (std::int64_t k = low; k <= high; ++k) sum += std::pow(static_cast<double>(from[k * plane + i]), 2);
            const double divisor = std::pow(bias_ + alpha_ / static_cast<double>(size_) * sum, beta_);
            to[c * plane + i] = static_cast<T>(static_cast<double>(from[c * plane + i]) / divisor);
          }
        }
      }
    });
  }

 private:
  double alpha_, beta_, bias_;
  std::int64_t size_;
};

}  // namespace
HALFTONE_OP_KERNEL(Lrn, "LRN", 1, kNewest)
}  // namespace halftone::reference
