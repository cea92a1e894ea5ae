// RMSNormalization (Zhang and Sennrich, arXiv:1910.07467): x / sqrt(mean(x^2) + epsilon) * scale over the axes from
// `axis` on. Sources: ONNX operator RMSNormalization, opset 23; ONNX Runtime's ContribOperators.md for its two forms.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/reals.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// Values repeated over `shape`.
std::vector<double> spread(const ht_tensor_view &tensor, ShapeSpan shape) {
  const std::vector<double> values = reals_of(tensor);
  std::vector<double> out(static_cast<std::size_t>(count_of(shape)));
  for_each_row<2>(shape, {strides_of(shape), broadcast_strides(shape_of(tensor), shape)},
                  [&](const auto &at, std::int64_t n, const auto &step) {
                    for (std::int64_t i = 0; i < n; ++i) {
                      out[static_cast<std::size_t>(at[0] + i)] = values[static_cast<std::size_t>(at[1] + i * step[1])];
                    }
                  });
  return out;
}

// Divides rows of x by their root mean square and scales them; gives the inverse of each row's root mean square.
std::vector<double> normalize(std::vector<double> &x, const std::vector<double> &scale, double epsilon) {
  const std::size_t n = scale.size();
  std::vector<double> inverses;
  for (std::size_t r = 0; n > 0 && r < x.size() / n; ++r) {
    double *row = x.data() + r * n;
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += row[i] * row[i];
    inverses.push_back(1.0 / std::sqrt(sum / static_cast<double>(n) + epsilon));
    for (std::size_t i = 0; i < n; ++i) row[i] *= inverses.back() * scale[i];
  }
  return inverses;
}

// Its second output is the inverse of the root mean square (SimplifiedLayerNormalization).
class RmsNormalization {
 public:
  explicit RmsNormalization(const sdk::OpNode &node)
      : axis_(node.integer("axis", -1)), epsilon_(node.number("epsilon", 1e-5f)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    Shape shape = shape_copy(inputs[0]);
    const std::size_t axis = axis_of(axis_, shape.size());
    const Shape inner(shape.begin() + static_cast<std::ptrdiff_t>(axis), shape.end());
    if (broadcast(inner, shape_of(inputs[1])) != inner) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the scale does not broadcast to the normalized axes");
    }
    sdk::set_type(outputs[0], inputs[1].dtype, shape);
    for (std::size_t i = axis; i < shape.size(); ++i) shape[i] = 1;
    if (outputs.size() > 1) sdk::set_type(outputs[1], HT_F32, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    std::vector<double> x = reals_of(inputs[0]);
    const ShapeSpan shape = shape_of(inputs[0]);
    const auto inverses = normalize(x, spread(inputs[1], shape.subspan(axis_of(axis_, shape.size()))), epsilon_);
    store_reals(x, outputs[0]);
    if (outputs.size() > 1) store_reals(inverses, outputs[1]);
  }

 private:
  std::int64_t axis_;
  double epsilon_;
};

// The same of input + skip + bias over the last axis; the sum is the fourth output.
class SkipSimplifiedLayerNormalization {
 public:
  explicit SkipSimplifiedLayerNormalization(const sdk::OpNode &node) : epsilon_(node.number("epsilon", 1e-5f)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    const Shape shape = shape_copy(inputs[0]);
    if (shape.empty() || broadcast(shape, shape_of(inputs[1])) != shape || count_of(inputs[2]) != shape.back()) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "skip or gamma does not broadcast to the input");
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
    const ShapeSpan shape = shape_of(inputs[0]);
    const auto n = static_cast<std::size_t>(shape.back());
    std::vector<double> x = reals_of(inputs[0]);
    const std::vector<double> skip = spread(inputs[1], shape), bias = reals_or(inputs, 3, shape.back(), 0.0);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += skip[i] + bias[i % n];
    if (outputs.size() > 3) store_reals(x, outputs[3]);
    const auto inverses = normalize(x, reals_of(inputs[2]), epsilon_);
    store_reals(x, outputs[0]);
    if (outputs.size() > 1) store_reals(std::vector<double>(inverses.size(), 0.0), outputs[1]);
    if (outputs.size() > 2) store_reals(inverses, outputs[2]);
  }

 private:
  double epsilon_;
};

}  // namespace
HALFTONE_OP_KERNEL(RmsNormalization, "RMSNormalization", 23, kNewest)
HALFTONE_OP_KERNEL(RmsNormalization, "SimplifiedLayerNormalization", 1, kNewest)
HALFTONE_OP_KERNEL_OF("com.microsoft", SkipSimplifiedLayerNormalization, "SkipSimplifiedLayerNormalization", 1, 1)
}  // namespace halftone::reference
