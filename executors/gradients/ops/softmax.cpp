// Gradients of Softmax and LogSoftmax along one axis, from their outputs. Models below opset 13 are lifted to this
// form.
#include <cmath>

#include "sums.h"

namespace halftone::gradients {
namespace {

template <bool kLog>
class SoftmaxGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_outputs = sdk::slots(0), .differentiates = sdk::slots(0)};
  explicit SoftmaxGradient(const sdk::OpNode &node) : axis_(node.integer("axis", -1)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const auto y = pass.y(), dy = pass.dy();
    const auto dx = pass.dx();
    const Rows rows(pass.output_shape(), axis_of(axis_, pass.output_shape().size()));
    for (std::int64_t r = 0; r < rows.count; ++r) {
      const auto at = [&, start = rows.start(r)](std::int64_t i) {
        return static_cast<std::size_t>(start + i * rows.inner);
      };
      double sum = 0;
      for (std::int64_t i = 0; i < rows.length; ++i) {
        sum += static_cast<double>(dy[at(i)]) * (kLog ? 1.0 : static_cast<double>(y[at(i)]));
      }
      for (std::int64_t i = 0; i < rows.length; ++i) {
        const auto value = static_cast<double>(y[at(i)]), given = static_cast<double>(dy[at(i)]);
        dx[at(i)] = static_cast<float>(kLog ? given - std::exp(value) * sum : value * (given - sum));
      }
    }
  }

 private:
  std::int64_t axis_;
};
using Softmax = SoftmaxGradient<false>;
using LogSoftmax = SoftmaxGradient<true>;

}  // namespace
HALFTONE_OP_GRADIENT(Softmax, "Softmax", 13, kNewest)
HALFTONE_OP_GRADIENT(LogSoftmax, "LogSoftmax", 13, kNewest)
}  // namespace halftone::gradients
