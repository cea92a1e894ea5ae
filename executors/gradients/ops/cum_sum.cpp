// Gradient of CumSum: the sum from the other end.
#include "sums.h"

namespace halftone::gradients {
namespace {

class CumSumGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1), .differentiates = sdk::slots(0)};
  explicit CumSumGradient(const sdk::OpNode &node)
      : exclusive_(node.flag("exclusive", false)), reverse_(node.flag("reverse", false)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan shape = pass.input_shape(0);
    const Rows rows(shape, axis_of(integers_of(pass.input(1)).at(0), shape.size()));
    const auto dy = pass.dy();
    for (std::int64_t r = 0; r < rows.count; ++r) {
      double sum = 0;
      for (std::int64_t i = 0; i < rows.length; ++i) {
        const std::int64_t place = reverse_ ? i : rows.length - 1 - i;
        const auto at = static_cast<std::size_t>(rows.start(r) + place * rows.inner);
        const auto given = static_cast<double>(dy[at]);
        pass.dx()[at] = static_cast<float>(exclusive_ ? sum : sum + given);
        sum += given;
      }
    }
  }

 private:
  bool exclusive_, reverse_;
};

}  // namespace
HALFTONE_OP_GRADIENT(CumSumGradient, "CumSum", 11, kNewest)
}  // namespace halftone::gradients
