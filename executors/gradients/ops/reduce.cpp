// Gradients of the Reduce operators. Equal maxima or minima share the gradient in equal parts (PyTorch's amax and
// amin); the norms of zeros have gradient 0.
#include <cmath>

#include "sums.h"

namespace halftone::gradients {
namespace {

constexpr std::uint64_t kX = 1, kAxes = 2, kY = 1;

// Each has the derivative of the reduced value y by the element x; n elements are reduced to one.
struct Sum {
  static constexpr std::uint64_t kIn = 0, kOut = 0;
  static double of(double, double, double) { return 1.0; }
};
struct Mean : Sum {
  static double of(double, double, double n) { return 1.0 / n; }
};
struct SumSquare {
  static constexpr std::uint64_t kIn = kX, kOut = 0;
  static double of(double x, double, double) { return 2.0 * x; }
};
struct L1 : SumSquare {
  static double of(double x, double, double) { return x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0); }
};
struct L2 {
  static constexpr std::uint64_t kIn = kX, kOut = kY;
  static double of(double x, double y, double) { return y == 0 ? 0.0 : x / y; }
};
struct LogSum {
  static constexpr std::uint64_t kIn = 0, kOut = kY;
  static double of(double, double y, double) { return std::exp(-y); }
};
struct LogSumExp {
  static constexpr std::uint64_t kIn = kX, kOut = kY;
  static double of(double x, double y, double) { return std::exp(x - y); }
};
struct Extreme {  // of ReduceMax and ReduceMin; each of k equal ones has 1 / k
  static constexpr std::uint64_t kIn = kX, kOut = kY;
  static double of(double x, double y, double) { return x == y ? 1.0 : 0.0; }
};

// The output's strides under the input's shape: 0 along reduced axes.
class ReducedAxes {
 public:
  explicit ReducedAxes(const sdk::OpNode &node)
      : axes_(node.integers("axes")), noop_(node.flag("noop_with_empty_axes", false)) {}
  Shape output_strides(const sdk::Backward &pass) const {
    const ShapeSpan shape = pass.input_shape(0);
    const Shape axes = pass.has_input(1) ? integers_of(pass.input(1)) : axes_;
    std::vector<bool> reduced(shape.size(), axes.empty() && !noop_);
    for (const std::int64_t axis : axes) reduced[axis_of(axis, shape.size())] = true;
    Shape strides(shape.size(), 0);
    std::int64_t stride = 1;
    for (std::size_t i = shape.size(); i-- > 0;) {
      if (reduced[i]) continue;
      strides[i] = stride;
      stride *= shape[i];
    }
    return strides;
  }

 private:
  Shape axes_;
  bool noop_;
};

template <typename Reduction>
class ReduceGradient {
 public:
  static constexpr sdk::GradientUse kUse = {
      .reads_inputs = Reduction::kIn | kAxes, .reads_outputs = Reduction::kOut, .differentiates = sdk::slots(0)};
  explicit ReduceGradient(const sdk::OpNode &node) : axes_(node) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan shape = pass.input_shape(0);
    const auto x = Reduction::kIn != 0 ? pass.x() : std::span<const float>();
    const auto y = Reduction::kOut != 0 ? pass.y() : std::span<const float>();
    const auto dy = pass.dy();
    const auto dx = pass.dx();
    const double n = dy.empty() ? 0.0 : static_cast<double>(dx.size()) / static_cast<double>(dy.size());
    const std::array<Shape, 2> strides = {strides_of(shape), axes_.output_strides(pass)};
    const auto part = [&](const auto &at) {
      const auto from = static_cast<std::size_t>(at[0]), to = static_cast<std::size_t>(at[1]);
      return Reduction::of(x.empty() ? 0.0 : static_cast<double>(x[from]), y.empty() ? 0.0 : static_cast<double>(y[to]),
                           n);
    };
    std::vector<double> sharers(dy.size(), 1.0);
    if constexpr (std::is_same_v<Reduction, Extreme>) {
      std::ranges::fill(sharers, 0.0);
      for_each_element<2>(shape, strides,
                          [&](const auto &at) { sharers[static_cast<std::size_t>(at[1])] += part(at); });
    }
    for_each_element<2>(shape, strides, [&](const auto &at) {
      const auto to = static_cast<std::size_t>(at[1]);
      const double share = part(at);
      dx[static_cast<std::size_t>(at[0])] =
          share == 0 ? 0.0F : static_cast<float>(static_cast<double>(dy[to]) * share / sharers[to]);
    });
  }

 private:
  ReducedAxes axes_;
};

// By an element, the product of the others: right where some are zero, too.
class ReduceProdGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = kX | kAxes, .differentiates = sdk::slots(0)};
  explicit ReduceProdGradient(const sdk::OpNode &node) : axes_(node) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan shape = pass.input_shape(0);
    const std::array<Shape, 2> strides = {strides_of(shape), axes_.output_strides(pass)};
    const auto x = pass.x(), dy = pass.dy();
    std::vector<double> products(dy.size(), 1.0);  // of what is not zero
    std::vector<std::int64_t> zeros(dy.size(), 0);
    for_each_element<2>(shape, strides, [&](const auto &at) {
      const auto value = static_cast<double>(x[static_cast<std::size_t>(at[0])]);
      const auto to = static_cast<std::size_t>(at[1]);
      value == 0 ? static_cast<void>(++zeros[to]) : static_cast<void>(products[to] *= value);
    });
    for_each_element<2>(shape, strides, [&](const auto &at) {
      const auto value = static_cast<double>(x[static_cast<std::size_t>(at[0])]);
      const auto to = static_cast<std::size_t>(at[1]);
      const bool alone = zeros[to] == (value == 0 ? 1 : 0);
      const double others = alone ? products[to] / (value == 0 ? 1.0 : value) : 0.0;
      pass.dx()[static_cast<std::size_t>(at[0])] = static_cast<float>(static_cast<double>(dy[to]) * others);
    });
  }

 private:
  ReducedAxes axes_;
};

}  // namespace
HALFTONE_OP_GRADIENT(ReduceGradient<Sum>, "ReduceSum", 1, kNewest)
HALFTONE_OP_GRADIENT(ReduceGradient<Mean>, "ReduceMean", 1, kNewest)
HALFTONE_OP_GRADIENT(ReduceGradient<SumSquare>, "ReduceSumSquare", 1, kNewest)
HALFTONE_OP_GRADIENT(ReduceGradient<L1>, "ReduceL1", 1, kNewest)
HALFTONE_OP_GRADIENT(ReduceGradient<L2>, "ReduceL2", 1, kNewest)
HALFTONE_OP_GRADIENT(ReduceGradient<LogSum>, "ReduceLogSum", 1, kNewest)
HALFTONE_OP_GRADIENT(ReduceGradient<LogSumExp>, "ReduceLogSumExp", 1, kNewest)
HALFTONE_OP_GRADIENT(ReduceGradient<Extreme>, "ReduceMax", 1, kNewest)
HALFTONE_OP_GRADIENT(ReduceGradient<Extreme>, "ReduceMin", 1, kNewest)
HALFTONE_OP_GRADIENT(ReduceProdGradient, "ReduceProd", 1, kNewest)
}  // namespace halftone::gradients
