// Gradient of Resize and Upsample: the interpolation of each axis transposed, the last axis first. What
// tf_crop_and_resize puts the extrapolation value in has none.
#include "ops/resize_plan.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

using reference::Blend;
using reference::ResizePlan;

class ResizeGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1, 2, 3), .differentiates = sdk::slots(0)};
  explicit ResizeGradient(const sdk::OpNode &node) : attributes_(node) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ResizePlan plan = attributes_.plan(pass.inputs());
    const ShapeSpan from = pass.input_shape(0);
    Shape shape(plan.shape);
    const auto dy = pass.dy();
    std::vector<double> data(dy.begin(), dy.end());
    std::vector<std::vector<Blend>> blends(shape.size());
    for (std::size_t i = 0; i < shape.size(); ++i) {
      blends[i] = attributes_.how.axis(from[i], plan.shape[i], plan.scales[i], plan.starts[i], plan.ends[i]);
    }
    if (attributes_.crops()) clear_outside(data, shape, blends);
    for (std::size_t i = shape.size(); i-- > 0;) {
      if (attributes_.keeps(plan, i, from[i])) continue;
      data = gathered(data, shape, i, from[i], blends[i]);
      shape[i] = from[i];
    }
    std::ranges::transform(data, pass.dx().begin(), [](double v) { return static_cast<float>(v); });
  }

 private:
  static void clear_outside(std::vector<double> &data, const Shape &shape,
                            const std::vector<std::vector<Blend>> &blends) {
    const Shape strides = strides_of(shape);
    for (std::size_t i = 0; i < data.size(); ++i) {
      for (std::size_t k = 0; k < shape.size(); ++k) {
        const std::int64_t at = static_cast<std::int64_t>(i) / strides[k] % shape[k];
        if (blends[k][static_cast<std::size_t>(at)].outside) data[i] = 0;
      }
    }
  }
  static std::vector<double> gathered(const std::vector<double> &y, const Shape &shape, std::size_t axis,
                                      std::int64_t extent, const std::vector<Blend> &blends) {
    const std::int64_t outer = count_of(shape, 0, axis), inner = count_of(shape, axis + 1, shape.size());
    std::vector<double> x(static_cast<std::size_t>(outer * extent * inner), 0.0);
    const double *from = y.data();
    for (std::int64_t o = 0; o < outer; ++o) {
      for (const Blend &blend : blends) {
        for (const reference::Tap &tap : blend.taps) {
          double *to = x.data() + (o * extent + tap.index) * inner;
          for (std::int64_t i = 0; i < inner; ++i) to[i] += tap.weight * from[i];
        }
        from += inner;
      }
    }
    return x;
  }
  reference::ResizeAttributes attributes_;
};

}  // namespace
HALFTONE_OP_GRADIENT(ResizeGradient, "Resize", 11, kNewest)
HALFTONE_OP_GRADIENT(ResizeGradient, "Upsample", 7, kNewest)
}  // namespace halftone::gradients
