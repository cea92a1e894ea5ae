// Resize, and Upsample of old: one axis after the other, in double. Source: the ONNX operators of these names.
#include <algorithm>
#include <cmath>
#include <limits>

#include "halftone/op_kernel.hpp"
#include "ops/interpolation.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// The new shape with what each axis needs to get there.
struct Plan {
  Shape shape;
  std::vector<double> scales, starts, ends;
};

class Resize {
 public:
  explicit Resize(const sdk::OpNode &node)
      : upsample_(node.node().op_type() == "Upsample"),
        scales_(node.numbers("scales")),
        axes_(node.integers("axes")),
        policy_(node.text("keep_aspect_ratio_policy", "stretch")),
        extrapolation_(node.number("extrapolation_value", 0.0)) {
    how_.mode = node.text("mode", "nearest");
    how_.coordinates = node.text("coordinate_transformation_mode", upsample_ ? "asymmetric" : "half_pixel");
    how_.nearest_mode = node.text("nearest_mode", upsample_ ? "floor" : "round_prefer_floor");
    how_.cubic_a = node.number("cubic_coeff_a", -0.75);
    how_.exclude_outside = node.flag("exclude_outside", false);
    how_.antialias = node.flag("antialias", false);
    if (how_.mode != "nearest" && how_.mode != "linear" && how_.mode != "cubic") {
      throw sdk::Failure(HT_UNIMPLEMENTED, "mode '" + how_.mode + "'");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, NumericTypes{});
    sdk::set_type(outputs[0], inputs[0].dtype, plan_of(inputs).shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, NumericTypes{}, [&]<typename T>() { resize<T>(inputs, outputs[0]); });
  }

 private:
  Plan plan_of(sdk::KernelInputs inputs) const {
    const ShapeSpan from = shape_of(inputs[0]);
    Plan plan{Shape(from.begin(), from.end()), std::vector<double>(from.size(), 1.0),
              std::vector<double>(from.size(), 0.0), std::vector<double>(from.size(), 1.0)};
    std::vector<std::size_t> axes;
    for (const std::int64_t axis : axes_) axes.push_back(axis_of(axis, from.size()));
    for (std::size_t i = 0; axes_.empty() && i < from.size(); ++i) axes.push_back(i);
    const std::size_t scale_slot = upsample_ ? 1 : 2;
    if (!upsample_ && sdk::present(inputs, 3) && count_of(inputs[3]) > 0) {
      take_sizes(integers_of(inputs[3]), axes, from, plan);
    } else {
      const std::vector<float> scales = sdk::present(inputs, scale_slot) ? floats(inputs[scale_slot]) : scales_;
      if (scales.size() != axes.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "scales has not one entry per axis");
      for (std::size_t i = 0; i < axes.size(); ++i) {
        plan.scales[axes[i]] = static_cast<double>(scales[i]);
        const double extent = std::floor(static_cast<double>(from[axes[i]]) * plan.scales[axes[i]]);
        plan.shape[axes[i]] = extent < 0x1p56 ? static_cast<std::int64_t>(extent) : -1;
      }
    }
    require_sound(plan, from);
    if (!upsample_ && how_.coordinates == "tf_crop_and_resize") {
      const std::vector<float> roi = sdk::present(inputs, 1) ? floats(inputs[1]) : std::vector<float>{};
      if (roi.size() != 2 * axes.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "roi has not two entries per axis");
      if (!std::all_of(roi.begin(), roi.end(), [](float edge) { return std::fabs(edge) < 0x1p20F; })) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "roi is not finite, or far outside of the input");
      }
      for (std::size_t i = 0; i < axes.size(); ++i) {
        plan.starts[axes[i]] = static_cast<double>(roi[i]);
        plan.ends[axes[i]] = static_cast<double>(roi[i + axes.size()]);
      }
    }
    return plan;
  }
  static void require_sound(const Plan &plan, ShapeSpan from) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::string axis = "axis " + std::to_string(i);
      if (from[i] == 0 && plan.shape[i] > 0) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, axis + " is empty and cannot grow");
      }
      if (plan.shape[i] < 0 ||
          (from[i] > 0 && plan.shape[i] > 0 && !(plan.scales[i] > 0 && std::isfinite(plan.scales[i])))) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, axis + " is resized by " + std::to_string(plan.scales[i]) + " to " +
                                                    std::to_string(plan.shape[i]) + " elements");
      }
    }
  }
  void take_sizes(const Shape &sizes, const std::vector<std::size_t> &axes, ShapeSpan from, Plan &plan) const {
    if (sizes.size() != axes.size()) throw sdk::Failure(HT_INVALID_ARGUMENT, "sizes has not one entry per axis");
    const auto scale = [&](std::size_t i) {
      return static_cast<double>(sizes[i]) / static_cast<double>(from[axes[i]]);
    };
    double common = axes.empty() ? 1.0 : scale(0);
    for (std::size_t i = 1; i < axes.size(); ++i) {
      common = policy_ == "not_larger" ? std::min(common, scale(i)) : std::max(common, scale(i));
    }
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const bool stretch = policy_ == "stretch";
      plan.scales[axes[i]] = stretch ? scale(i) : common;
      plan.shape[axes[i]] = stretch ? sizes[i] : rounded(common * static_cast<double>(from[axes[i]]));
    }
  }
  // An empty axis among those that keep their ratio makes it NaN.
  static std::int64_t rounded(double extent) {
    return extent >= 0 && extent < 0x1p56 ? static_cast<std::int64_t>(std::floor(extent + 0.5)) : -1;
  }
  static std::vector<float> floats(const ht_tensor_view &t) {
    if (count_of(t) == 0) return {};
    if (t.data == nullptr) throw sdk::needs_data();
    if (t.dtype != HT_F32) unsupported_type(t.dtype);
    return {in_data<float>(t), in_data<float>(t) + count_of(t)};
  }

  template <typename T>
  void resize(sdk::KernelInputs inputs, ht_tensor_view &output) const {
    const Plan plan = plan_of(inputs);
    Shape shape = shape_copy(inputs[0]);
    const T *x = in_data<T>(inputs[0]);
    std::vector<double> data(x, x + count_of(shape));
    std::vector<std::vector<Blend>> blends(shape.size());
    for (std::size_t i = 0; i < shape.size(); ++i) {
      blends[i] = how_.axis(shape[i], plan.shape[i], plan.scales[i], plan.starts[i], plan.ends[i]);
      const bool same = plan.shape[i] == shape[i] && plan.scales[i] == 1.0 && how_.coordinates != "tf_crop_and_resize";
      if (!same) data = along(data, shape, i, blends[i]);
      shape[i] = plan.shape[i];
    }
    if (how_.coordinates == "tf_crop_and_resize") extrapolate(data, shape, blends);
    T *y = out_data<T>(output);
    for (std::size_t i = 0; i < data.size(); ++i) y[i] = stored<T>(data[i]);
  }
  // Integers are cut to their range, for cubic filters overshoot. Runtimes drop the fraction of linear blends, and
  // round where antialias is asked for; cubic blends of integers without it, which they do not offer, are rounded here.
  template <typename T>
  T stored(double value) const {
    if constexpr (std::is_integral_v<T>) {
      if (how_.antialias || how_.mode == "cubic") value = std::round(value);
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
  bool upsample_;
  std::vector<float> scales_;
  Shape axes_;
  std::string policy_;
  double extrapolation_;
  Interpolation how_;
};

}  // namespace
HALFTONE_OP_KERNEL(Resize, "Resize", 11, kNewest)
HALFTONE_OP_KERNEL(Resize, "Upsample", 7, kNewest)
}  // namespace halftone::reference
