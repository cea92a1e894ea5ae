// Resize, and Upsample of old: one axis after the other, in double. Source: the ONNX operators of these names.
#include <algorithm>
#include <cmath>
#include <limits>

#include "halftone/op_kernel.hpp"
#include "ops/resize_plan.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Resize {
 public:
  explicit Resize(const sdk::OpNode &node)
      : attributes_(node), extrapolation_(node.number("extrapolation_value", 0.0)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, NumericTypes{});
    sdk::set_type(outputs[0], inputs[0].dtype, attributes_.plan(inputs).shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, NumericTypes{}, [&]<typename T>() { resize<T>(inputs, outputs[0]); });
  }

 private:
  template <typename T>
  void resize(sdk::KernelInputs inputs, ht_tensor_view &output) const {
    const ResizePlan plan = attributes_.plan(inputs);
    Shape shape = shape_copy(inputs[0]);
    const T *x = in_data<T>(inputs[0]);
    std::vector<double> data(x, x + count_of(shape));
    std::vector<std::vector<Blend>> blends(shape.size());
    for (std::size_t i = 0; i < shape.size(); ++i) {
      blends[i] = attributes_.how.axis(shape[i], plan.shape[i], plan.scales[i], plan.starts[i], plan.ends[i]);
      if (!attributes_.keeps(plan, i, shape[i])) data = along(data, shape, i, blends[i]);
      shape[i] = plan.shape[i];
    }
    if (attributes_.crops()) extrapolate(data, shape, blends);
    T *y = out_data<T>(output);
    for (std::size_t i = 0; i < data.size(); ++i) y[i] = stored<T>(data[i]);
  }
  // Integers are cut to their range, for cubic filters overshoot. Runtimes drop the fraction of linear blends, and
  // round where antialias is asked for; cubic blends of integers without it, which they do not offer, are rounded here.
  template <typename T>
  T stored(double value) const {
    if constexpr (std::is_integral_v<T>) {
      if (attributes_.how.antialias || attributes_.how.mode == "cubic") value = std::round(value);
      if (!(value > static_cast<double>(std::numeric_limits<T>::min()))) return std::numeric_limits<T>::min();
      if (value >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    }
    return static_cast<T>(value);
  }
  static std::vector<double> along(const std::vector<double> &x, const Shape &shape, std::size_t axis,
                                   const std::vector<Blend> &blends) {
    const std::int64_t outer = count_of(shape, 0, axis), inner = count_of(shape, axis + 1, shape.size());
    std::vector<double> y(static_cast<std::size_t>(outer * inner) * blends.size());
    double *to = y.data();
    for (std::int64_t o = 0; o < outer; ++o) {
      for (const Blend &blend : blends) {
        for (const Tap &tap : blend.taps) {
          const double *from = x.data() + (o * shape[axis] + tap.index) * inner;
          for (std::int64_t i = 0; i < inner; ++i) to[i] += tap.weight * from[i];
        }
        to += inner;
      }
    }
    return y;
  }
  void extrapolate(std::vector<double> &data, const Shape &shape, const std::vector<std::vector<Blend>> &blends) const {
    const Shape strides = strides_of(shape);
    for (std::size_t i = 0; i < data.size(); ++i) {
      for (std::size_t k = 0; k < shape.size(); ++k) {
        const std::int64_t at = static_cast<std::int64_t>(i) / strides[k] % shape[k];
        if (blends[k][static_cast<std::size_t>(at)].outside) data[i] = extrapolation_;
      }
    }
  }
  ResizeAttributes attributes_;
  double extrapolation_;
};

}  // namespace
HALFTONE_OP_KERNEL(Resize, "Resize", 11, kNewest)
HALFTONE_OP_KERNEL(Resize, "Upsample", 7, kNewest)
}  // namespace halftone::reference
