// Gradient of Trilu: the triangle that was kept.
#include "sums.h"

namespace halftone::gradients {
namespace {

class TriluGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1), .differentiates = sdk::slots(0)};
  explicit TriluGradient(const sdk::OpNode &node) : upper_(node.flag("upper", true)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan shape = pass.input_shape(0);
    const std::int64_t rows = shape[shape.size() - 2], columns = shape.back();
    const std::int64_t k = pass.has_input(1) ? integers_of(pass.input(1)).at(0) : 0;
    const auto dy = pass.dy();
    for (std::int64_t i = 0; i < count_of(shape); ++i) {
      const std::int64_t diagonal = i % columns - i / columns % rows;
      const auto at = static_cast<std::size_t>(i);
      pass.dx()[at] = (upper_ ? diagonal >= k : diagonal <= k) ? dy[at] : 0.0F;
    }
  }

 private:
  bool upper_;
};

}  // namespace
HALFTONE_OP_GRADIENT(TriluGradient, "Trilu", 14, kNewest)
}  // namespace halftone::gradients
