// DSQ: differentiable soft quantization. Forward rounds. Backward is the derivative of the soft staircase
//   psi(v) = floor(v) + 1/2 + t/2 * tanh(k * (v - floor(v) - 1/2)), t = 1 / (1 - alpha), k = ln(2 / alpha - 1),
// y = s * psi(x / s) between the ends of the range: dy/dx = psi'(v), dy/ds = psi(v) - v psi'(v); beyond them 0 and low
// or high. The paper learns both ends of the range and alpha; here the scale is learned, which moves both ends, and
// alpha is given. MQBench learns neither.
#include <cmath>

#include "method.h"
#include "stair_kernel.h"
#include "step_quantizer.h"
#include "wide_steps.h"

namespace halftone::trainer {
namespace {

class Dsq final : public StepQuantizer {
 public:
  Dsq(const PointSpec &spec, double alpha)
      : StepQuantizer(spec, Bounds::kValue),
        stair_{static_cast<float>(1 / (1 - alpha)), static_cast<float>(std::log(2 / alpha - 1))} {
    refuse_power_of_two(spec, "dsq");
    refuse_float8(spec, "dsq");
    if (!fits_float32(spec)) refuse_point("dsq", "is for ranges of at most 2^24 codes");
    if (spec.rounding == HT_ROUND_UP || spec.rounding == HT_ROUND_DOWN) {
      refuse_point("dsq", "has its steps half way between codes; use a config that rounds to nearest");
    }
  }
  std::uint32_t learnable() const override { return 1U << HT_LEARNED_SCALE; }

  void backward(const PointState &state, Grouping g, const float *x, const float *dy, float *dx,
                PointGradients gradients, const Draw &) const override {
    const std::vector<float> zeros = zeros_of(state);
    const StepGrid grid{state.scales.data(), zeros.data(), static_cast<float>(spec().quant_min),
                        static_cast<float>(spec().quant_max), spec().rounding};
    stair_backward(grid, stair_, g, x, dy, dx, gradients.scales);
  }

 private:
  Stair stair_;
};

const sdk::Params &dsq_parameters() {
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
      &dsq_parameters,
      [](const PointSpec &spec, const MethodArguments &arguments) {
        return std::unique_ptr<FakeQuantizer>(std::make_unique<Dsq>(spec, arguments.number("alpha")));
      }};
  return method;
}

}  // namespace halftone::trainer
