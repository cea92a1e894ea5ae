// Gradient of BatchNormalization by input, scale and bias: with given moments, and in training mode through those of
// the batch. Moments that are given are constant, as PyTorch's buffers are.
#include <cmath>

#include "normalized.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

class BatchNormalizationGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1, 3, 4),
                                            .differentiates = sdk::slots(0, 1, 2)};
  explicit BatchNormalizationGradient(const sdk::OpNode &node)
      : epsilon_(node.number("epsilon", 1e-5f)), training_(node.flag("training_mode", false)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.arrives()) return clear(pass);
    const ShapeSpan shape = pass.input_shape(0);
    const std::int64_t channels = shape.size() > 1 ? shape[1] : 1;
    for (std::int64_t c = 0; c < channels; ++c) channel(pass, c, channels);
  }

 private:
  static void clear(const sdk::Backward &pass) {
    for (const std::size_t slot : {0, 1, 2}) {
      if (pass.wants(slot)) std::ranges::fill(pass.dx(slot), 0.0F);
    }
  }
  void channel(const sdk::Backward &pass, std::int64_t c, std::int64_t channels) const {
    const ShapeSpan shape = pass.input_shape(0);
    const std::int64_t plane = count_of(shape, shape.size() > 1 ? 2 : 1, shape.size());
    const std::int64_t n = plane * channels == 0 ? 0 : count_of(shape) / channels;
    const auto at = [&](std::int64_t i) {
      return static_cast<std::size_t>((i / plane * channels + c) * plane + i % plane);
    };
    const auto k = static_cast<std::size_t>(c);
    const auto dy = pass.dy();
    double scale_sum = 0, bias_sum = 0;
    if (pass.wants(2)) {
      for (std::int64_t i = 0; i < n; ++i) bias_sum += static_cast<double>(dy[at(i)]);
      pass.dx(2)[k] = static_cast<float>(bias_sum);
    }
    if (!pass.wants(0) && !pass.wants(1)) return;
    const double scale = static_cast<double>(pass.x(1)[k]);
    std::vector<double> g(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = static_cast<double>(dy[at(static_cast<std::int64_t>(i))]) * scale;
    const auto finish = [&](auto hat) {
      for (std::int64_t i = 0; i < n; ++i) scale_sum += static_cast<double>(dy[at(i)]) * hat(i);
      if (pass.wants(1)) pass.dx(1)[k] = static_cast<float>(scale_sum);
      for (std::int64_t i = 0; pass.wants(0) && i < n; ++i) {
        pass.dx(0)[at(i)] = static_cast<float>(g[static_cast<std::size_t>(i)]);
      }
    };
    const auto x = pass.x();
    if (training_) {
      std::vector<double> values(g.size());
      for (std::size_t i = 0; i < g.size(); ++i) values[i] = static_cast<double>(x[at(static_cast<std::int64_t>(i))]);
      const Normalized own(std::move(values), epsilon_, true);
      own.backward(g);
      return finish([&](std::int64_t i) { return own.hat[static_cast<std::size_t>(i)]; });
    }
    const auto mean = static_cast<double>(pass.x(3)[k]);
    const double inverse = 1.0 / std::sqrt(static_cast<double>(pass.x(4)[k]) + epsilon_);
    for (double &value : g) value *= inverse;
    finish([&](std::int64_t i) { return (static_cast<double>(x[at(i)]) - mean) * inverse; });
  }
  double epsilon_;
  bool training_;
};

}  // namespace
HALFTONE_OP_GRADIENT(BatchNormalizationGradient, "BatchNormalization", 9, kNewest)
}  // namespace halftone::gradients
