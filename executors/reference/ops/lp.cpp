// Lp norms: of windows (LpPool), of planes (GlobalLpPool), and along an axis, by which LpNormalization divides. Source:
// ONNX operators of these names, opset 1 to 18.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/types.h"
#include "ops/version.h"
#include "ops/window.h"

namespace halftone::reference {
namespace {

double power(double x, double p) {
  return p == 2 ? x * x : std::pow(std::fabs(x), p);
}
double root(double sum, double p) {
  return p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / p);
}
// The order is an integer, and was a float in opset 1.
double order_of(const sdk::OpNode &node) {
  const auto p = node.attribute("p");
  if (!p) return 2;
  return p->kind == HT_ATTR_FLOAT ? node.number("p", 2.0) : static_cast<double>(node.integer("p", 2));
}

class LpPool {
 public:
  explicit LpPool(const sdk::OpNode &node) : attributes_(node), p_(order_of(node)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[0].rank < 3) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has no spatial axis");
    Shape shape = {inputs[0].shape[0], inputs[0].shape[1]};
    const Window window(attributes_, shape_of(inputs[0]).subspan(2), {});
    shape.insert(shape.end(), window.output.begin(), window.output.end());
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const ht_tensor_view &x = inputs[0];
      const Window window(attributes_, shape_of(x).subspan(2), {});
      const auto table = window_table(window);
      const std::int64_t plane = count_of(window.input), positions = window.positions();
      for (std::int64_t i = 0; i < x.shape[0] * x.shape[1] * positions; ++i) {
        const T *from = in_data<T>(x) + i / positions * plane;
        double sum = 0;
        for (std::int64_t t = 0; t < window.taps(); ++t) {
          const std::int32_t at = table[static_cast<std::size_t>(t * positions + i % positions)];
          if (at >= 0) sum += power(static_cast<double>(from[at]), p_);
        }
        out_data<T>(outputs[0])[i] = static_cast<T>(root(sum, p_));
      }
    });
  }

 private:
  WindowAttributes attributes_;
  double p_;
};

class GlobalLpPool {
 public:
  explicit GlobalLpPool(const sdk::OpNode &node) : p_(order_of(node)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    if (inputs[0].rank < 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "the input has no channel axis");
    Shape shape(inputs[0].rank, 1);
    shape[0] = inputs[0].shape[0];
    shape[1] = inputs[0].shape[1];
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      const std::int64_t plane = count_of(shape_of(inputs[0]).subspan(2));
      for (std::int64_t c = 0; c < count_of(outputs[0]); ++c) {
        double sum = 0;
        for (std::int64_t i = 0; i < plane; ++i) {
          sum += power(static_cast<double>(in_data<T>(inputs[0])[c * plane + i]), p_);
        }
        out_data<T>(outputs[0])[c] = static_cast<T>(root(sum, p_));
      }
    });
  }

 private:
  double p_;
};

class LpNormalization {
 public:
  explicit LpNormalization(const sdk::OpNode &node) : axis_(node.integer("axis", -1)), p_(order_of(node)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, FloatTypes{});
    axis_of(axis_, inputs[0].rank);
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    const std::size_t axis = axis_of(axis_, shape.size());
    const std::int64_t n = shape[axis], inner = count_of(shape, axis + 1, shape.size());
    dispatch(inputs[0].dtype, FloatTypes{}, [&]<typename T>() {
      for (std::int64_t r = 0; r < count_of(shape, 0, axis) * inner; ++r) {
        const std::int64_t start = r / inner * n * inner + r % inner;
        const T *x = in_data<T>(inputs[0]) + start;
        double sum = 0;
        for (std::int64_t i = 0; i < n; ++i) sum += power(static_cast<double>(x[i * inner]), p_);
        const double norm = root(sum, p_);
        for (std::int64_t i = 0; i < n; ++i) {  // a row of zeros stays one
          out_data<T>(outputs[0])[start + i * inner] =
              static_cast<T>(norm == 0 ? 0.0 : static_cast<double>(x[i * inner]) / norm);
        }
      }
    });
  }

 private:
  std::int64_t axis_;
  double p_;
};

}  // namespace
HALFTONE_OP_KERNEL(LpPool, "LpPool", 1, kNewest)
HALFTONE_OP_KERNEL(GlobalLpPool, "GlobalLpPool", 1, kNewest)
HALFTONE_OP_KERNEL(LpNormalization, "LpNormalization", 1, kNewest)
}  // namespace halftone::reference
