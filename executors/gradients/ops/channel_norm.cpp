// Gradients of InstanceNormalization and GroupNormalization.
#include "affine.h"

namespace halftone::gradients {
namespace {

// Stretches of `channels` channels are normalized together; scale and shift of channel c of stretch g are at(g, c).
template <typename At>
void normalize_backward(const sdk::Backward &pass, std::int64_t channels, double epsilon, At at) {
  const ShapeSpan shape = pass.input_shape(0);
  const std::int64_t plane = count_of(shape, shape.size() > 1 ? 2 : 1, shape.size()), n = channels * plane;
  if (n == 0) return;
  const auto x = pass.x(0), dy = pass.dy();
  const auto scale = pass.wants(0) ? pass.x(1) : std::span<const float>();
  AffineSums sums(pass, 1, 2);
  for (std::int64_t g = 0; g < count_of(shape) / n; ++g) {
    const auto from = x.begin() + g * n;
    const Normalized own(std::vector<double>(from, from + n), epsilon, true);
    std::vector<double> d(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t c = at(g, i / plane);
      const auto k = static_cast<std::size_t>(i);
      const auto given = static_cast<double>(dy[static_cast<std::size_t>(g * n + i)]);
      sums.add(c, c, given, own.hat[k]);
      if (pass.wants(0)) d[k] = given * static_cast<double>(scale[static_cast<std::size_t>(c)]);
    }
    if (!pass.wants(0)) continue;
    own.backward(d);
    for (std::int64_t i = 0; i < n; ++i) {
      pass.dx(0)[static_cast<std::size_t>(g * n + i)] = static_cast<float>(d[static_cast<std::size_t>(i)]);
    }
  }
  sums.store();
}

class InstanceNormalizationGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1, 2)};
  explicit InstanceNormalizationGradient(const sdk::OpNode &node) : epsilon_(node.number("epsilon", 1e-5f)) {}
  void backward(const sdk::Backward &pass) const {
    const std::int64_t channels = count_of(pass.input_shape(1));
    normalize_backward(pass, 1, epsilon_, [&](std::int64_t g, std::int64_t) { return g % channels; });
  }

 private:
  double epsilon_;
};

class GroupNormalizationGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1, 2)};
  explicit GroupNormalizationGradient(const sdk::OpNode &node)
      : epsilon_(node.number("epsilon", 1e-5f)),
        groups_(node.integer("num_groups", 0)),
        per_group_(node.opset() < 21) {  // scale and shift belong to channels since opset 21
    if (groups_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "num_groups must be at least 1");
  }
  void backward(const sdk::Backward &pass) const {
    const std::int64_t own = pass.input_shape(0)[1] / groups_;
    normalize_backward(pass, own, epsilon_, [&](std::int64_t g, std::int64_t c) {
      return per_group_ ? g % groups_ : g % groups_ * own + c;
    });
  }

 private:
  double epsilon_;
  std::int64_t groups_;
  bool per_group_;
};

}  // namespace
HALFTONE_OP_GRADIENT(GroupNormalizationGradient, "GroupNormalization", 18, kNewest)
HALFTONE_OP_GRADIENT(InstanceNormalizationGradient, "InstanceNormalization", 6, kNewest)
}  // namespace halftone::gradients
