// Gradient of LRN: through the element itself, and through every divisor that its square is part of.
#include <algorithm>
#include <cmath>

#include "sums.h"

namespace halftone::gradients {
namespace {

class LrnGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0), .differentiates = sdk::slots(0)};
  explicit LrnGradient(const sdk::OpNode &node)
      : alpha_(node.number("alpha", 1e-4f)),
        beta_(node.number("beta", 0.75)),
        bias_(node.number("bias", 1.0)),
        size_(node.integer("size", 1)) {
    if (size_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "its size is not positive");
  }
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan shape = pass.input_shape(0);
    const std::int64_t plane = count_of(shape, 2, shape.size());
    for (std::int64_t n = 0; n < shape[0]; ++n) {
      for (std::int64_t i = 0; i < plane; ++i) column(pass, n * shape[1] * plane + i, shape[1], plane);
    }
  }

 private:
  // All channels at one place: elements `first`, `first` + plane, ...
  void column(const sdk::Backward &pass, std::int64_t first, std::int64_t channels, std::int64_t plane) const {
    const auto x = pass.x(), dy = pass.dy();
    const auto at = [&](std::int64_t c) { return static_cast<std::size_t>(first + c * plane); };
    std::vector<double> bases, parts;  // the divisor without its power; what flows into the sum of squares
    for (std::int64_t c = 0; c < channels; ++c) {
      double sum = 0;
      const std::int64_t high = std::min(channels - 1, c + size_ / 2);
      for (std::int64_t k = std::max<std::int64_t>(0, c - (size_ - 1) / 2); k <= high; ++k) {
        sum += static_cast<double>(x[at(k)]) * static_cast<double>(x[at(k)]);
      }
      bases.push_back(bias_ + alpha_ / static_cast<double>(size_) * sum);
      parts.push_back(static_cast<double>(dy[at(c)]) * static_cast<double>(x[at(c)]) *
                      std::pow(bases.back(), -beta_ - 1));
    }
    for (std::int64_t c = 0; c < channels; ++c) {
      double sum = 0;  // over the channels whose window has c
      const std::int64_t high = std::min(channels - 1, c + (size_ - 1) / 2);
      for (std::int64_t k = std::max<std::int64_t>(0, c - size_ / 2); k <= high; ++k) {
        sum += parts[static_cast<std::size_t>(k)];
      }
      const double own = static_cast<double>(dy[at(c)]) * std::pow(bases[static_cast<std::size_t>(c)], -beta_);
      const double factor = 2 * alpha_ * beta_ / static_cast<double>(size_) * static_cast<double>(x[at(c)]);
      pass.dx()[at(c)] = static_cast<float>(own - factor * sum);
    }
  }
  double alpha_, beta_, bias_;
  std::int64_t size_;
};

}  // namespace
HALFTONE_OP_GRADIENT(LrnGradient, "LRN", 1, kNewest)
}  // namespace halftone::gradients
