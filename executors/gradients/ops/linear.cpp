// Gradients of further operators that are linear in what is learned: AffineGrid by theta, Col2Im by the columns, OneHot
// by its two values, and DequantizeLinear by its scales (codes and zero points are constant).
#include "ops/reals.h"
#include "ops/window.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

class AffineGridGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit AffineGridGradient(const sdk::OpNode &node) : align_(node.flag("align_corners", false)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan shape = pass.output_shape(), spatial = shape.subspan(1, shape.size() - 2);
    const std::size_t axes = spatial.size();
    const std::int64_t points = count_of(spatial);
    const auto dy = pass.dy();
    Sums dtheta(pass.dx());
    for (std::int64_t i = 0; i < shape[0] * points; ++i) {
      std::vector<double> at(axes + 1, 1.0);  // the last axis first, then 1
      std::int64_t left = i % points;
      for (std::size_t axis = axes; axis-- > 0; left /= spatial[axis]) {
        at[axes - 1 - axis] = position(left % spatial[axis], spatial[axis]);
      }
      for (std::size_t r = 0; r < axes; ++r) {
        const auto given = static_cast<double>(dy[static_cast<std::size_t>(i) * axes + r]);
        const std::size_t row = (static_cast<std::size_t>(i / points) * axes + r) * (axes + 1);
        for (std::size_t k = 0; k <= axes; ++k) dtheta[static_cast<std::int64_t>(row + k)] += given * at[k];
      }
    }
    dtheta.store();
  }

 private:
  double position(std::int64_t i, std::int64_t extent) const {
    const auto n = static_cast<double>(extent), x = static_cast<double>(i);
    if (align_) return extent > 1 ? -1 + 2 * x / (n - 1) : -1;
    return (2 * x + 1) / n - 1;
  }
  bool align_;
};

class Col2ImGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1, 2), .differentiates = sdk::slots(0)};
  explicit Col2ImGradient(const sdk::OpNode &node) : attributes_(node) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const reference::Window window(attributes_, integers_of(pass.input(1)), integers_of(pass.input(2)));
    const auto table = reference::window_table(window);
    const std::int64_t plane = count_of(window.input), entries = window.taps() * window.positions();
    const auto dy = pass.dy();
    const auto dx = pass.dx();
    for (std::size_t i = 0; i < dx.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      const std::int32_t offset = table[static_cast<std::size_t>(at % entries)];
      dx[i] = offset < 0 ? 0.0F : dy[static_cast<std::size_t>(at / entries * plane + offset)];
    }
  }

 private:
  reference::WindowAttributes attributes_;
};

// Inputs: indices, depth, and the values off and on.
class OneHotGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0), .differentiates = sdk::slots(2)};
  explicit OneHotGradient(const sdk::OpNode &node) : axis_(node.integer("axis", -1)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants(2)) return;
    const std::vector<double> indices = reference::reals_of(pass.input(0));  // of any number type
    const ShapeSpan shape = pass.output_shape();
    const std::size_t axis = axis_of(axis_, shape.size());
    const std::int64_t depth = shape[axis], inner = count_of(shape, axis + 1, shape.size());
    const auto dy = pass.dy();
    double all = 0, on = 0;
    for (const float v : dy) all += static_cast<double>(v);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      auto index = static_cast<std::int64_t>(indices[i]);
      if (index < 0) index += depth;
      if (index < 0 || index >= depth) continue;
      on += static_cast<double>(dy[static_cast<std::size_t>((at / inner * depth + index) * inner + at % inner)]);
    }
    pass.dx(2)[0] = static_cast<float>(all - on);
    pass.dx(2)[1] = static_cast<float>(on);
  }

 private:
  std::int64_t axis_;
};

// y = (x - zero point) * scale: by the scale, y / scale.
class DequantizeLinearGradient {
 public:
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = sdk::slots(1), .reads_outputs = sdk::slots(0), .differentiates = sdk::slots(1)};
  explicit DequantizeLinearGradient(const sdk::OpNode &node)
      : axis_(node.integer("axis", 1)), block_(node.integer("block_size", 0)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants(1)) return;
    const ShapeSpan shape = pass.output_shape(), scale_shape = pass.input_shape(1);
    const auto scales = pass.x(1), y = pass.y(), dy = pass.dy();
    Sums sums(pass.dx(1));
    const bool one = count_of(scale_shape) == 1;
    const std::size_t axis = one ? 0 : axis_of(axis_, shape.size());
    const std::int64_t inner = one ? 1 : count_of(shape, axis + 1, shape.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      std::int64_t k = one ? 0 : at / inner % shape[axis];
      if (!one && block_ > 0 && scale_shape.size() == shape.size()) {
        k = (at / inner / shape[axis] * scale_shape[axis] + k / block_) * inner + at % inner;
      }
      const auto scale = static_cast<double>(scales[static_cast<std::size_t>(k)]);
      if (scale != 0) sums[k] += static_cast<double>(dy[i]) * static_cast<double>(y[i]) / scale;
    }
    sums.store();
  }

 private:
  std::int64_t axis_, block_;
};

}  // namespace
HALFTONE_OP_GRADIENT(AffineGridGradient, "AffineGrid", 20, kNewest)
HALFTONE_OP_GRADIENT(Col2ImGradient, "Col2Im", 18, kNewest)
HALFTONE_OP_GRADIENT(OneHotGradient, "OneHot", 9, kNewest)
HALFTONE_OP_GRADIENT(DequantizeLinearGradient, "DequantizeLinear", 10, kNewest)
HALFTONE_OP_GRADIENT_OF("com.microsoft", DequantizeLinearGradient, "DequantizeLinear", 1, 1)
}  // namespace halftone::gradients
