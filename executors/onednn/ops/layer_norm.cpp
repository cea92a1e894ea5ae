// LayerNormalization over the trailing axes. Sums run in a fixed number of lanes, so that they vectorise and their
// order is always the same.
#include <cmath>

#include "../builder.h"

namespace halftone::onednn {
namespace {

constexpr std::int64_t kLanes = 8;

template <typename Term>
double sum(std::int64_t n, Term term) {
  double lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::int64_t k = 0; k < kLanes; ++k) lanes[k] += term(i + k);
  }
  for (std::int64_t k = 0; i + k < n; ++k) lanes[k] += term(i + k);
  double total = 0;
  for (const double lane : lanes) total += lane;
  return total;
}

void normalize_row(const float *x, const float *scale, const float *bias, float epsilon, float *y, std::int64_t n) {
  const double mean = sum(n, [&](std::int64_t i) { return double{x[i]}; }) / static_cast<double>(n);
  const double variance = sum(n,
                              [&](std::int64_t i) {
                                const double d = double{x[i]} - mean;
                                return d * d;
                              }) /
                          static_cast<double>(n);
  const auto m = static_cast<float>(mean), factor = static_cast<float>(1.0 / std::sqrt(variance + double{epsilon}));
  for (std::int64_t i = 0; i < n; ++i) y[i] = (x[i] - m) * factor * scale[i];
  if (bias == nullptr) return;
  for (std::int64_t i = 0; i < n; ++i) y[i] += bias[i];
}

class LayerNormalization final : public NativeOp {
 public:
  explicit LayerNormalization(const sdk::OpNode &node)
      : axis_(node.integer("axis", -1)), epsilon_(static_cast<float>(node.number("epsilon", 1e-5))) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    const int x = node.inputs[0], scale = node.inputs[1], bias = node.inputs.size() > 2 ? node.inputs[2] : -1;
    if (!b.is_available(x) || !b.is_available(scale) || (bias >= 0 && !b.is_available(bias))) return false;
    for (std::size_t i = 1; i < node.outputs.size(); ++i) {
      if (b.is_read(node.outputs[i])) return false;
    }
    const Shape &shape = b.shape(x);
    const auto axis = static_cast<std::size_t>(axis_ < 0 ? axis_ + static_cast<std::int64_t>(shape.size()) : axis_);
    if (axis >= shape.size()) return false;
    const std::int64_t n = count_of(std::span(shape).subspan(axis)), rows = count_of(shape) / n;
    if (count_of(b.shape(scale)) != n || (bias >= 0 && count_of(b.shape(bias)) != n)) return false;

    const Placed source = b.plain(x), factors = b.plain(scale);
    const int shifts = bias >= 0 ? b.plain(bias).buffer : kNoBuffer;
    const int target = b.writable(node, x, source) ? source.buffer : b.allocate(source.bytes());
    std::vector<int> touched = {source.buffer, factors.buffer, target};
    if (bias >= 0) touched.push_back(shifts);
    b.loop(std::move(touched), [=, from = source.buffer, by = factors.buffer, epsilon = epsilon_](Run &run) {
      const auto floats = [&](int buffer) {
        return buffer == kNoBuffer ? nullptr : static_cast<float *>(run.workspace.at(buffer));
      };
      for (std::int64_t row = 0; row < rows; ++row) {
        normalize_row(floats(from) + row * n, floats(by), floats(shifts), epsilon, floats(target) + row * n, n);
      }
    });
    b.define(node.outputs[0], {source.desc, target});
    return true;
  }

 private:
  std::int64_t axis_;
  float epsilon_;
};

const NativeEntry kLayerNormalization("LayerNormalization", &make_native<LayerNormalization>);

}  // namespace
}  // namespace halftone::onednn
