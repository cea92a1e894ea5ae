// InstanceNormalization and GroupNormalization: each sample's channels, alone or in groups, to mean 0 and variance 1,
// then a scale and shift. Source: ONNX operators of these names, opset 6, 18 and 21.
#include <cmath>
#include <utility>

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

template <typename T>
std::pair<double, double> moments(const T *x, std::int64_t n) {
  double mean = 0, variance = 0;
  for (std::int64_t i = 0; i < n; ++i) mean += static_cast<double>(x[i]);
  mean /= static_cast<double>(n);
  for (std::int64_t i = 0; i < n; ++i) variance += std::pow(static_cast<double>(x[i]) - mean, 2);
  return {mean, variance / static_cast<double>(n)};
}

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
        const auto [mean, variance] = moments(x, plane);
        normalize(x, out_data<T>(outputs[0]) + r * plane, plane, mean, variance, epsilon_,
                  static_cast<double>(in_data<T>(inputs[1])[r % channels]),
                  static_cast<double>(in_data<T>(inputs[2])[r % channels]));
      }
    });
  }

 private:
  double epsilon_;
};

class GroupNormalization {
 public:
  explicit GroupNormalization(const sdk::OpNode &node)
      : epsilon_(node.number("epsilon", 1e-5f)),
        groups_(node.integer("num_groups", 0)),
        per_group_(node.opset() < 21) {  // scale and shift belong to channels since opset 21
    if (groups_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "num_groups must be at least 1");
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[0].rank < 2 || inputs[0].shape[1] % groups_ != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the channels do not divide into num_groups");
    }
    for (const std::size_t slot : {1, 2}) {
      if (inputs[slot].dtype != inputs[0].dtype ||
          count_of(inputs[slot]) != (per_group_ ? groups_ : inputs[0].shape[1])) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "scale or bias has not the input's type or not one entry for each");
      }
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const std::int64_t plane = plane_of(inputs[0]), channels = inputs[0].shape[1], own = channels / groups_;
      for (std::int64_t g = 0; g < inputs[0].shape[0] * groups_; ++g) {
        const T *x = in_data<T>(inputs[0]) + g * own * plane;
        const auto [mean, variance] = moments(x, own * plane);
        for (std::int64_t c = 0; c < own; ++c) {
          const std::int64_t at = per_group_ ? g % groups_ : g % groups_ * own + c;
          normalize(x + c * plane, out_data<T>(outputs[0]) + (g * own + c) * plane, plane, mean, variance, epsilon_,
                    static_cast<double>(in_data<T>(inputs[1])[at]), static_cast<double>(in_data<T>(inputs[2])[at]));
        }
      }
    });
  }

 private:
  double epsilon_;
  std::int64_t groups_;
  bool per_group_;
};

}  // namespace
HALFTONE_OP_KERNEL(GroupNormalization, "GroupNormalization", 18, kNewest)
HALFTONE_OP_KERNEL(InstanceNormalization, "InstanceNormalization", 6, kNewest)
}  // namespace halftone::reference
