// Gradient of BatchNormalization by input, scale and bias: with given moments, and in training mode through those of
// the batch. Moments that are given are constant, as PyTorch's buffers are.
#include <algorithm>

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
    const Runs runs(pass.input_shape(0));
    for (std::int64_t c = 0; c < runs.channels; ++c) channel(pass, c, runs);
  }

 private:
  static void clear(const sdk::Backward &pass) {
    for (const std::size_t slot : {0, 1, 2}) {
      if (pass.wants(slot)) std::ranges::fill(pass.dx(slot), 0.0F);
    }
  }
  // Runs of one channel: `plane` elements of each sample.
  struct Runs {
    std::int64_t samples, channels, plane;

    explicit Runs(ShapeSpan shape)
        : samples(shape[0]),
          channels(shape.size() > 1 ? shape[1] : 1),
          plane(count_of(shape, shape.size() > 1 ? 2 : 1, shape.size())) {}
    std::vector<double> take(std::span<const float> from, std::int64_t c) const {
      std::vector<double> out;
      out.reserve(static_cast<std::size_t>(samples * plane));
      for (std::int64_t n = 0; n < samples; ++n) {
        const auto run = from.begin() + (n * channels + c) * plane;
        out.insert(out.end(), run, run + plane);
      }
      return out;
    }
    void put(const std::vector<double> &from, std::int64_t c, std::span<float> to) const {
      for (std::int64_t n = 0; n < samples; ++n) {
        const auto run = from.begin() + n * plane;
        std::transform(run, run + plane, to.begin() + (n * channels + c) * plane,
                       [](double v) { return static_cast<float>(v); });
      }
    }
  };
  void channel(const sdk::Backward &pass, std::int64_t c, const Runs &runs) const {
    const auto k = static_cast<std::size_t>(c);
    std::vector<double> g = runs.take(pass.dy(), c);
    if (pass.wants(2)) {
      double sum = 0;
      for (const double v : g) sum += v;
      pass.dx(2)[k] = static_cast<float>(sum);
    }
    if (!pass.wants(0) && !pass.wants(1)) return;
    const auto scale = static_cast<double>(pass.x(1)[k]);
    const Normalized own = training_ ? Normalized(runs.take(pass.x(), c), epsilon_, true)
                                     : Normalized(runs.take(pass.x(), c), static_cast<double>(pass.x(3)[k]),
                                                  static_cast<double>(pass.x(4)[k]), epsilon_);
    double sum = 0;
    for (std::size_t i = 0; i < g.size(); ++i) sum += g[i] * own.hat[i];
    if (pass.wants(1)) pass.dx(1)[k] = static_cast<float>(sum);
    if (!pass.wants(0)) return;
    for (double &v : g) v *= scale;
    if (training_) {
      own.backward(g);
    } else {
      for (double &v : g) v *= own.inverse;
    }
    runs.put(g, c, pass.dx(0));
  }
  double epsilon_;
  bool training_;
};

}  // namespace
HALFTONE_OP_GRADIENT(BatchNormalizationGradient, "BatchNormalization", 9, kNewest)
}  // namespace halftone::gradients
