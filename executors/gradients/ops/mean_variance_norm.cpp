// Gradient of MeanVarianceNormalization: (x - mean) / (deviation + 1e-9) over chosen axes.
#include <cmath>

#include "sums.h"

namespace halftone::gradients {
namespace {

class MeanVarianceNormalizationGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0), .differentiates = sdk::slots(0)};
  explicit MeanVarianceNormalizationGradient(const sdk::OpNode &node)
      : axes_(node.optional_integers("axes").value_or(Shape{0, 2, 3})) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan shape = pass.input_shape(0);
    Shape kept(shape.begin(), shape.end());  // groups: strides are 0 along the axes that are taken together
    for (const std::int64_t axis : axes_) kept[axis_of(axis, shape.size())] = 1;
    const auto count = static_cast<std::size_t>(count_of(kept));
    const auto x = pass.x(), dy = pass.dy();
    const double n = count == 0 ? 1 : static_cast<double>(x.size()) / static_cast<double>(count);
    std::vector<double> mean(count), variance(count), given(count), slope(count);
    const std::array<Shape, 2> strides = {strides_of(shape), broadcast_strides(kept, shape)};
    const auto each = [&](auto visit) {
      for_each_element<2>(shape, strides, [&](const auto &at) {
        visit(static_cast<std::size_t>(at[0]), static_cast<std::size_t>(at[1]));
      });
    };
    each([&](std::size_t i, std::size_t g) { mean[g] += static_cast<double>(x[i]) / n; });
    each([&](std::size_t i, std::size_t g) {
      const double centred = static_cast<double>(x[i]) - mean[g];
      variance[g] += centred * centred / n;
      given[g] += static_cast<double>(dy[i]) / n;
      slope[g] += static_cast<double>(dy[i]) * centred / n;
    });
    each([&](std::size_t i, std::size_t g) {
      const double deviation = std::sqrt(variance[g]), divisor = deviation + 1e-9;
      const double centred = static_cast<double>(x[i]) - mean[g];
      const double bend = deviation == 0 ? 0.0 : centred * slope[g] / (deviation * divisor);
      pass.dx()[i] = static_cast<float>((static_cast<double>(dy[i]) - given[g] - bend) / divisor);
    });
  }

 private:
  Shape axes_;
};

}  // namespace
HALFTONE_OP_GRADIENT(MeanVarianceNormalizationGradient, "MeanVarianceNormalization", 9, kNewest)
}  // namespace halftone::gradients
