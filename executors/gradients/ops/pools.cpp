// Gradients of MaxPool and AveragePool. Of equal maxima the first has the gradient, as in PyTorch; the indices output
// is not read.
#include "ops/window.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

using reference::Window;
using reference::WindowAttributes;

// The windows of one run: taps of position p are table[t * positions + p], below 0 outside of the plane.
struct PoolWindows {
  PoolWindows(const WindowAttributes &attributes, ShapeSpan x)
      : window(attributes, x.subspan(2), {}),
        table(reference::window_table(window)),
        planes(x[0] * x[1]),
        plane(count_of(window.input)),
        positions(window.positions()),
        taps(window.taps()) {}
  std::int32_t tap(std::int64_t t, std::int64_t p) const { return table[static_cast<std::size_t>(t * positions + p)]; }

  Window window;
  std::vector<std::int32_t> table;
  std::int64_t planes, plane, positions, taps;
};

class MaxPoolGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0), .differentiates = sdk::slots(0)};
  explicit MaxPoolGradient(const sdk::OpNode &node) : attributes_(node) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants() || !pass.arrives()) return clear(pass);
    const PoolWindows w(attributes_, pass.input_shape(0));
    const auto x = pass.x(), dy = pass.dy();
    Sums dx(pass.dx());
    for (std::int64_t c = 0; c < w.planes; ++c) {
      const float *from = x.data() + c * w.plane;
      for (std::int64_t p = 0; p < w.positions; ++p) {
        std::int32_t best = -1;
        for (std::int64_t t = 0; t < w.taps; ++t) {
          const std::int32_t at = w.tap(t, p);
          if (at >= 0 && (best < 0 || from[at] > from[best] || from[at] != from[at])) best = at;
        }
        if (best >= 0) dx[c * w.plane + best] += static_cast<double>(dy[static_cast<std::size_t>(c * w.positions + p)]);
      }
    }
    dx.store();
  }

 private:
  static void clear(const sdk::Backward &pass) {
    if (pass.wants()) std::ranges::fill(pass.dx(), 0.0F);
  }
  WindowAttributes attributes_;
};

class AveragePoolGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit AveragePoolGradient(const sdk::OpNode &node)
      : attributes_(node), include_pad_(node.flag("count_include_pad", false)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const PoolWindows w(attributes_, pass.input_shape(0));
    const auto dy = pass.dy();
    Sums dx(pass.dx());
    std::vector<double> shares(static_cast<std::size_t>(w.positions), 0.0);
    for (std::int64_t p = 0; p < w.positions; ++p) {
      std::int64_t count = 0;
      for (std::int64_t t = 0; t < w.taps; ++t) {
        const std::int32_t at = w.tap(t, p);
        if (at >= 0 || (include_pad_ && at == -1)) ++count;
      }
      shares[static_cast<std::size_t>(p)] = count == 0 ? 0.0 : 1.0 / static_cast<double>(count);
    }
    for (std::int64_t c = 0; c < w.planes; ++c) {
      for (std::int64_t p = 0; p < w.positions; ++p) {
        const double part = static_cast<double>(dy[static_cast<std::size_t>(c * w.positions + p)]) *
                            shares[static_cast<std::size_t>(p)];
        for (std::int64_t t = 0; t < w.taps; ++t) {
          if (w.tap(t, p) >= 0) dx[c * w.plane + w.tap(t, p)] += part;
        }
      }
    }
    dx.store();
  }

 private:
  WindowAttributes attributes_;
  bool include_pad_;
};

}  // namespace
HALFTONE_OP_GRADIENT(MaxPoolGradient, "MaxPool", 1, kNewest)
HALFTONE_OP_GRADIENT(AveragePoolGradient, "AveragePool", 7, kNewest)
}  // namespace halftone::gradients
