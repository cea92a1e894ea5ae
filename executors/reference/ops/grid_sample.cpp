// GridSample: values of X at positions of a grid, over any number of spatial axes. Source: ONNX operator GridSample,
// opset 16 and 20, which follows Jaderberg et al., Spatial Transformer Networks (arXiv:1506.02025).
#include <algorithm>
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

struct Tap {
  std::int64_t index;  // -1 where the padding of zeros is read
  double weight;
};

class GridSample {
 public:
  explicit GridSample(const sdk::OpNode &node)
      : mode_(node.text("mode", "linear")),
        padding_(node.text("padding_mode", "zeros")),
        align_(node.flag("align_corners", false)) {
    if (mode_ == "bilinear") mode_ = "linear";
    if (mode_ == "bicubic") mode_ = "cubic";
    if (mode_ != "linear" && mode_ != "nearest" && mode_ != "cubic") {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "mode '" + mode_ + "' is unknown");
    }
    if (padding_ != "zeros" && padding_ != "border" && padding_ != "reflection") {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "padding_mode '" + padding_ + "' is unknown");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, NumericTypes{});
    require_type(inputs[1].dtype, FloatTypes{});
    const ShapeSpan x = shape_of(inputs[0]), grid = shape_of(inputs[1]);
    if (x.size() < 3 || x.size() != grid.size() || x[0] != grid[0] ||
        grid.back() != static_cast<std::int64_t>(x.size()) - 2) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of X and grid do not fit");
    }
    Shape shape = {x[0], x[1]};
    shape.insert(shape.end(), grid.begin() + 1, grid.end() - 1);
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, NumericTypes{}, [&]<typename T>() {
      dispatch(inputs[1].dtype, FloatTypes{}, [&]<typename G>() { sample<T, G>(inputs, outputs[0]); });
    });
  }

 private:
  template <typename T, typename G>
  void sample(sdk::KernelInputs inputs, ht_tensor_view &output) const {
    const ShapeSpan x = shape_of(inputs[0]), spatial = x.subspan(2);
    const std::size_t n = spatial.size();
    const std::int64_t plane = count_of(spatial), points = count_of(shape_of(output).subspan(2));
    const G *grid = in_data<G>(inputs[1]);
    for (std::int64_t p = 0; p < x[0] * points; ++p) {
      std::vector<Tap> taps = {{0, 1.0}};
      for (std::size_t axis = 0; axis < n; ++axis) {  // the grid names the last axis first
        const auto at =
            static_cast<double>(grid[p * static_cast<std::int64_t>(n) + static_cast<std::int64_t>(n - 1 - axis)]);
        taps = joined(taps, axis_taps(at, spatial[axis]), spatial[axis]);
      }
      for (std::int64_t c = 0; c < x[1]; ++c) {
        const T *from = in_data<T>(inputs[0]) + (p / points * x[1] + c) * plane;
        double sum = 0;
        for (const Tap &tap : taps) {
          if (tap.index >= 0) sum += tap.weight * static_cast<double>(from[tap.index]);
        }
        out_data<T>(output)[(p / points * x[1] + c) * points + p % points] = static_cast<T>(sum);
      }
    }
  }
  static std::vector<Tap> joined(const std::vector<Tap> &outer, const std::vector<Tap> &inner, std::int64_t extent) {
    std::vector<Tap> out;
    for (const Tap &a : outer) {
      for (const Tap &b : inner) {
        const bool inside = a.index >= 0 && b.index >= 0;
        out.push_back({inside ? a.index * extent + b.index : -1, a.weight * b.weight});
      }
    }
    return out;
  }
  // What the position `at` in [-1, 1] reads along an axis of `extent` elements.
  std::vector<Tap> axis_taps(double at, std::int64_t extent) const {
    const auto length = static_cast<double>(extent);
    double x = align_ ? (at + 1) / 2 * (length - 1) : ((at + 1) * length - 1) / 2;
    if (!(std::fabs(x) < 1e15)) x = x > 0 ? 1e15 : -1e15;  // NaN too: far outside
    if (mode_ != "cubic") x = padded(x, extent);
    if (mode_ == "nearest") return {{index(std::nearbyint(x), extent), 1.0}};
    const double base = std::floor(x), t = x - base;
    if (mode_ == "linear") return {{index(base, extent), 1 - t}, {index(base + 1, extent), t}};
    return {{index(base - 1, extent), cubic(1 + t)},
            {index(base, extent), cubic(t)},
            {index(base + 1, extent), cubic(1 - t)},
            {index(base + 2, extent), cubic(2 - t)}};
  }
  // Keys' kernel with a = -0.75.
  static double cubic(double d) {
    constexpr double a = -0.75;
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  }
  double padded(double x, std::int64_t extent) const {
    const double low = align_ ? 0.0 : -0.5, high = static_cast<double>(extent) - (align_ ? 1.0 : 0.5);
    if (padding_ == "border") return std::clamp(x, 0.0, static_cast<double>(extent - 1));
    if (padding_ == "zeros" || (x >= low && x <= high)) return x;
    const double range = high - low;
    if (range <= 0) return 0;
    const double over = std::fmod(std::fabs(x - low), 2 * range);
    return low + (over <= range ? over : 2 * range - over);
  }
  std::int64_t index(double x, std::int64_t extent) const {
    const double at = padding_ == "zeros" ? x : padded(x, extent);
    const double last = static_cast<double>(extent - 1);
    if (padding_ == "zeros" && !(at >= 0 && at <= last)) return -1;
    return static_cast<std::int64_t>(std::clamp(std::nearbyint(at), 0.0, last));
  }
  std::string mode_, padding_;
  bool align_;
};

}  // namespace
HALFTONE_OP_KERNEL(GridSample, "GridSample", 16, kNewest)
}  // namespace halftone::reference
