// BatchNormalization: inference with given moments, and training mode, which takes them from the batch and moves the
// given ones towards them. Source: ONNX operator of this name, opset 9 to 15 (parameters may be of other float types
// than the input).
#include <cmath>
#include <utility>

#include "halftone/op_kernel.hpp"
#include "ops/product.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class BatchNormalization {
 public:
  explicit BatchNormalization(const sdk::OpNode &node)
      : epsilon_(node.number("epsilon", 1e-5f)),
        momentum_(node.number("momentum", 0.9f)),
        training_(node.flag("training_mode", false)) {
    for (std::size_t i = 1; i < node.output_count() && !training_; ++i) {
      if (node.has_output(i))
        throw sdk::Failure(HT_UNIMPLEMENTED, "the outputs of training mode without training_mode");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].rank < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input is a scalar");
    const std::int64_t channels = inputs[0].rank > 1 ? inputs[0].shape[1] : 1;
    for (const ht_tensor_view &input : inputs) require_type(input.dtype, FloatTypes{});
    for (const ht_tensor_view &input : inputs.subspan(1)) {
      if (count_of(input) != channels)
        throw sdk::Failure(HT_INVALID_ARGUMENT, "a parameter has not one entry per channel");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
    outputs.require_at_most(5);
    for (std::size_t i = 1; i < outputs.size(); ++i) {
      sdk::set_type(outputs[i], inputs[3].dtype, Shape{training_ ? channels : 0});
    }
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    std::vector<double> mean = values(inputs[3]), variance = values(inputs[4]);
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      if (training_) {
        const std::vector<double> old_mean = mean, old_variance = variance;
        take_moments<T>(inputs[0], mean, variance);
        if (outputs.size() > 1) store(blended(old_mean, mean), outputs[1]);
        if (outputs.size() > 2) store(blended(old_variance, variance), outputs[2]);
      }
      normalize<T>(inputs, mean, variance, outputs[0]);
    });
  }

 private:
  static std::vector<double> values(const ht_tensor_view &t) {
    std::vector<double> out;
    dispatch(t.dtype, FloatTypes{}, [&]<typename T>() { out = widened<double>(in_data<T>(t), count_of(t)); });
    return out;
  }
  static void store(const std::vector<double> &from, ht_tensor_view &to) {
    if (to.data == nullptr) return;
    dispatch(to.dtype, FloatTypes{}, [&]<typename T>() {
      for (std::size_t i = 0; i < from.size(); ++i) out_data<T>(to)[i] = static_cast<T>(from[i]);
    });
  }
  std::vector<double> blended(const std::vector<double> &old, const std::vector<double> &now) const {
    std::vector<double> out;
    for (std::size_t i = 0; i < old.size(); ++i) out.push_back(old[i] * momentum_ + now[i] * (1 - momentum_));
    return out;
  }
  // Elements of one channel of one sample.
  static std::int64_t plane_of(const ht_tensor_view &x) { return count_of(shape_of(x), x.rank > 1 ? 2 : 1, x.rank); }
  // Of each channel over all samples; the variance is that of the population.
  template <typename T>
  static void take_moments(const ht_tensor_view &x, std::vector<double> &mean, std::vector<double> &variance) {
    const std::int64_t plane = plane_of(x), channels = static_cast<std::int64_t>(mean.size());
    const std::int64_t rows = plane * channels == 0 ? 0 : count_of(x) / plane / channels;
    const auto n = static_cast<double>(rows * plane);
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto sum = [&](auto term) {
        double out = 0;
        for (std::int64_t i = 0; i < rows * plane; ++i) {
          out += term(static_cast<double>(in_data<T>(x)[(i / plane * channels + c) * plane + i % plane]));
        }
        return out / n;
      };
      const double center = sum([](double v) { return v; });
      mean[static_cast<std::size_t>(c)] = center;
      variance[static_cast<std::size_t>(c)] = sum([&](double v) { return (v - center) * (v - center); });
    }
  }
  template <typename T>
  void normalize(sdk::KernelInputs inputs, const std::vector<double> &mean, const std::vector<double> &variance,
                 ht_tensor_view &output) const {
    const std::vector<double> scale = values(inputs[1]), shift = values(inputs[2]);
    const std::int64_t plane = plane_of(inputs[0]), rows = plane == 0 ? 0 : count_of(inputs[0]) / plane;
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::size_t c = static_cast<std::size_t>(r) % mean.size();
      const double factor = scale[c] / std::sqrt(variance[c] + epsilon_);
      for (std::int64_t i = r * plane; i < (r + 1) * plane; ++i) {
        out_data<T>(output)[i] =
            static_cast<T>((static_cast<double>(in_data<T>(inputs[0])[i]) - mean[c]) * factor + shift[c]);
      }
    }
  }
  double epsilon_, momentum_;
  bool training_;
};

}  // namespace
HALFTONE_OP_KERNEL(BatchNormalization, "BatchNormalization", 9, kNewest)
}  // namespace halftone::reference
