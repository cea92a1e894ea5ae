// DSQ: differentiable soft quantization. Forward rounds. Backward is the derivative of the soft staircase
//   psi(v) = floor(v) + 1/2 + t/2 * tanh(k * (v - floor(v) - 1/2)), t = 1 / (1 - alpha), k = ln(2 / alpha - 1),
// y = s * psi(x / s) between the ends of the range: dy/dx = psi'(v), dy/ds = psi(v) - v psi'(v); beyond them 0 and low
// or high. The paper learns both ends of the range and alpha; here the scale is learned, which moves both ends, and
// alpha is given. MQBench learns neither.
#include <cmath>

#include "method.h"
#include "step_quantizer.h"

namespace halftone::trainer {
namespace {

class Dsq final : public StepQuantizer {
 public:
  Dsq(const PointSpec &spec, double alpha)
      : StepQuantizer(spec, Bounds::kValue), height_(1 / (1 - alpha)), steepness_(std::log(2 / alpha - 1)) {
    refuse_power_of_two(spec, "dsq");
    refuse_float8(spec, "dsq");
    if (spec.rounding == HT_ROUND_UP || spec.rounding == HT_ROUND_DOWN) {
      refuse_point("dsq", "has its steps half way between codes; use a config that rounds to nearest");
    }
  }
  std::uint32_t learnable() const override { return 1U << HT_LEARNED_SCALE; }

  void backward(const PointState &state, Grouping g, const float *x, const float *dy, float *dx,
                PointGradients gradients, const Draw &) const override {
    const std::vector<float> zeros = zeros_of(state);
    std::vector<double> sums(g.groups);
    std::size_t at = 0;
    for (std::size_t o = 0; o < g.outer; ++o) {
      for (std::size_t group = 0; group < g.groups; ++group) {
        const Line line{static_cast<double>(state.scales[group]),
                        static_cast<double>(spec().quant_min) - static_cast<double>(zeros[group]),
                        static_cast<double>(spec().quant_max) - static_cast<double>(zeros[group])};
        for (std::size_t i = 0; i < g.inner; ++i, ++at) {
          const Slopes slope = slopes(line, static_cast<double>(x[at]));
          const double d = static_cast<double>(dy[at]);
          sums[group] += d * slope.scale;
          if (dx != nullptr) dx[at] = static_cast<float>(d * slope.x);
        }
      }
    }
    if (gradients.scales == nullptr) return;
    for (std::size_t group = 0; group < g.groups; ++group) gradients.scales[group] += sums[group];
  }

 private:
  struct Line {
    double scale, low, high;
  };
  struct Slopes {
    double x, scale;
  };
  Slopes slopes(const Line &line, double x) const {
    const double v = x / line.scale;
    if (v <= line.low) return {0, line.low};
    if (v >= line.high) return {0, line.high};
    const double below = std::floor(v), bend = std::tanh(steepness_ * (v - below - 0.5));
    const double slope = 0.5 * height_ * steepness_ * (1 - bend * bend);
    return {slope, below + 0.5 + 0.5 * height_ * bend - v * slope};
  }
  double height_, steepness_;
};

const sdk::Params &parameters() {
  static const sdk::Params table = [] {
    sdk::Params p;
    p.number("alpha", "how soft the steps are: near 0 they are stairs, near 1 a line", 0.4, 0.001, 0.9);
    return p;
  }();
  return table;
}

}  // namespace

const Method &dsq_method() {
  static const Method method{
      "dsq",
      "Gradients of a soft staircase",
      "Rounds, and takes gradients of a differentiable staircase of tanh pieces; learns the scale.",
      "Gong et al. 2019, arXiv:1908.05033",
      &parameters,
      [](const PointSpec &spec, const MethodArguments &arguments) {
        return std::unique_ptr<FakeQuantizer>(std::make_unique<Dsq>(spec, arguments.number("alpha")));
      }};
  return method;
}

}  // namespace halftone::trainer
