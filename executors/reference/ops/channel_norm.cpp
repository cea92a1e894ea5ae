// BatchNormalization (inference form) and InstanceNormalization: one scale and shift per channel of axis 1.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

void infer_channels(sdk::KernelInputs inputs, sdk::KernelTypes outputs) {
  const ht_dtype dtype = inputs[0].dtype;
  require_type(dtype, FloatTypes{});
  for (const ht_tensor_view &input : inputs) {
    if (input.dtype != dtype) throw sdk::Failure(HT_UNIMPLEMENTED, "parameters of another type than the input");
  }
  if (inputs[0].rank < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input is a scalar");
  const std::int64_t channels = inputs[0].rank > 1 ? inputs[0].shape[1] : 1;
  for (const ht_tensor_view &input : inputs.subspan(1)) {
    if (count_of(input) != channels)
      throw sdk::Failure(HT_INVALID_ARGUMENT, "a parameter has not one entry per channel");
  }
  sdk::set_type(outputs[0], dtype, shape_of(inputs[0]));
}
// Elements of one channel of one sample.
std::int64_t plane_of(const ht_tensor_view &x) {
  return count_of(shape_of(x), x.rank > 1 ? 2 : 1, x.rank);
}

template <typename T>
void normalize(const T *x, T *y, std::int64_t n, double mean, double variance, double epsilon, double scale,
               double shift) {
  const double factor = scale / std::sqrt(variance + epsilon);
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<T>((static_cast<double>(x[i]) - mean) * factor + shift);
}

class BatchNormalization {
 public:
  explicit BatchNormalization(const sdk::OpNode &node) : epsilon_(node.number("epsilon", 1e-5f)) {
    if (node.flag("training_mode", false)) throw sdk::Failure(HT_UNIMPLEMENTED, "training_mode");
    for (std::size_t i = 1; i < node.output_count(); ++i) {
      if (node.has_output(i)) throw sdk::Failure(HT_UNIMPLEMENTED, "the outputs of training mode");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    infer_channels(inputs, outputs);
    for (std::size_t i = 1; i < outputs.size(); ++i) sdk::set_type(outputs[i], inputs[0].dtype, Shape{0});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const std::int64_t plane = plane_of(inputs[0]), channels = count_of(inputs[1]);
      const std::int64_t rows = plane == 0 ? 0 : count_of(inputs[0]) / plane;
      for (std::int64_t r = 0; r < rows; ++r) {
        const auto p = [&](std::size_t slot) { return static_cast<double>(in_data<T>(inputs[slot])[r % channels]); };
        normalize(in_data<T>(inputs[0]) + r * plane, out_data<T>(outputs[0]) + r * plane, plane, p(3), p(4), epsilon_,
                  p(1), p(2));
      }
    });
  }

 private:
  double epsilon_;
};

class InstanceNormalization {
 public:
  explicit InstanceNormalization(const sdk::OpNode &node) : epsilon_(node.number("epsilon", 1e-5f)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const { infer_channels(inputs, outputs); }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const std::int64_t plane = plane_of(inputs[0]), channels = count_of(inputs[1]);
      const std::int64_t rows = plane == 0 ? 0 : count_of(inputs[0]) / plane;
      for (std::int64_t r = 0; r < rows; ++r) {
        const T *x = in_data<T>(inputs[0]) + r * plane;
        double mean = 0, variance = 0;
        for (std::int64_t i = 0; i < plane; ++i) mean += static_cast<double>(x[i]);
        mean /= static_cast<double>(plane);
        for (std::int64_t i = 0; i < plane; ++i) variance += std::pow(static_cast<double>(x[i]) - mean, 2);
        variance /= static_cast<double>(plane);
        normalize(x, out_data<T>(outputs[0]) + r * plane, plane, mean, variance, epsilon_,
                  static_cast<double>(in_data<T>(inputs[1])[r % channels]),
                  static_cast<double>(in_data<T>(inputs[2])[r % channels]));
      }
    });
  }

 private:
  double epsilon_;
};

}  // namespace
HALFTONE_OP_KERNEL(BatchNormalization, "BatchNormalization", 9, kNewest)
HALFTONE_OP_KERNEL(InstanceNormalization, "InstanceNormalization", 6, kNewest)
}  // namespace halftone::reference
