// SkipLayerNormalization of com.microsoft: LayerNormalization of x + skip + bias over the last axis; its fourth output
// is that sum. Source: ONNX Runtime's ContribOperators.md.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {
namespace {

class SkipLayerNormalization {
 public:
  explicit SkipLayerNormalization(const sdk::OpNode &node) : epsilon_(node.number("epsilon", 1e-12f)) {
    if (!node.has_input(2)) throw sdk::Failure(HT_INVALID_ARGUMENT, "it has no gamma");
  }

  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const Shape shape = shape_copy(inputs[0]);
    if (shape.empty() || broadcast(shape, shape_of(inputs[1])) != shape) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shape of skip does not broadcast to that of the input");
    }
    for (std::size_t i = 2; i < inputs.size(); ++i) {
      if (sdk::present(inputs, i) && count_of(inputs[i]) != shape.back()) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "a parameter has not one entry for each of the last axis");
      }
    }
    Shape rows = shape;
    rows.back() = 1;
    outputs.require_at_most(4);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const bool statistic = i == 1 || i == 2;
      sdk::set_type(outputs[i], statistic ? HT_F32 : inputs[0].dtype, statistic ? rows : shape);
    }
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() { normalize<T>(inputs, outputs); });
  }

 private:
  template <typename T>
  static std::vector<double> sums(sdk::KernelInputs inputs) {
    const ShapeSpan shape = shape_of(inputs[0]);
    const T *x = in_data<T>(inputs[0]), *skip = in_data<T>(inputs[1]);
    std::vector<double> out(static_cast<std::size_t>(count_of(shape)));
    for_each_row<2>(shape, {strides_of(shape), broadcast_strides(shape_of(inputs[1]), shape)},
                    [&](const auto &at, std::int64_t n, const auto &step) {
                      for (std::int64_t i = 0; i < n; ++i) {
                        const double bias =
                            sdk::present(inputs, 4) ? static_cast<double>(in_data<T>(inputs[4])[i]) : 0.0;
                        out[static_cast<std::size_t>(at[0] + i)] =
                            static_cast<double>(x[at[0] + i]) + static_cast<double>(skip[at[1] + i * step[1]]) + bias;
                      }
                    });
    return out;
  }
  template <typename T>
  void normalize(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    const std::int64_t n = shape.back(), rows = n == 0 ? 0 : count_of(shape) / n;
    const std::vector<double> sum = sums<T>(inputs);
    const bool keeps_sum = outputs.size() > 3 && outputs[3].data != nullptr;
    for (std::int64_t r = 0; r < rows; ++r) {
      const double *x = sum.data() + r * n;
      double mean = 0, variance = 0;
      for (std::int64_t i = 0; i < n; ++i) mean += x[i];
      mean /= static_cast<double>(n);
      for (std::int64_t i = 0; i < n; ++i) variance += (x[i] - mean) * (x[i] - mean);
      const double inverse = 1.0 / std::sqrt(variance / static_cast<double>(n) + epsilon_);
      for (std::int64_t i = 0; i < n; ++i) {
        const double shift = sdk::present(inputs, 3) ? static_cast<double>(in_data<T>(inputs[3])[i]) : 0.0;
        out_data<T>(outputs[0])[r * n + i] =
            static_cast<T>((x[i] - mean) * inverse * static_cast<double>(in_data<T>(inputs[2])[i]) + shift);
        if (keeps_sum) out_data<T>(outputs[3])[r * n + i] = static_cast<T>(x[i]);
      }
      if (outputs.size() > 1 && outputs[1].data != nullptr) out_data<float>(outputs[1])[r] = static_cast<float>(mean);
      if (outputs.size() > 2 && outputs[2].data != nullptr)
        out_data<float>(outputs[2])[r] = static_cast<float>(inverse);
    }
  }
  double epsilon_;
};

}  // namespace
HALFTONE_OP_KERNEL_OF("com.microsoft", SkipLayerNormalization, "SkipLayerNormalization", 1, 1)
}  // namespace halftone::reference
