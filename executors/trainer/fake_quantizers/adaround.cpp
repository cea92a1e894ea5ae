// AdaRound: every weight learns whether it is rounded up or down. While learning the fraction is the rectified sigmoid
// h(r), and a penalty with annealed exponent drives h to 0 or 1. It starts where h(r) is the fraction of x / scale, so
// that y starts at x. The values have to be those that are quantized: with a fold, the folded weight (MQBench starts
// from the unfolded one). PPQ's penalty is always 0, because its step counter is shadowed; here the batch says its
// weight.
#include <algorithm>
#include <cmath>

#include "deployed_values.h"
#include "method.h"
#include "soft_kernel.h"
#include "wide_steps.h"

namespace halftone::trainer {
namespace {

class AdaRound final : public StepQuantizer {
 public:
  explicit AdaRound(const PointSpec &spec) : StepQuantizer(spec, Bounds::kCode) {
    if (!spec.is_weight) refuse_point("adaround", "is for weights; use 'qdrop' or 'lsq' for activations");
    refuse_float8(spec, "adaround");
    if (!fits_float32(spec)) refuse_point("adaround", "is for ranges of at most 2^24 codes");
  }
  std::uint32_t learnable() const override {
    const std::uint32_t scale = spec().power_of_two ? 0U : 1U << HT_LEARNED_SCALE;
    return 1U << HT_LEARNED_ROUNDING | scale;
  }

  void initialise(PointState &state, std::span<const float> values, Grouping g) const override {
    if (values.empty()) throw sdk::Failure(HT_INVALID_ARGUMENT, "method 'adaround' starts from the weight's values");
    state.rounding.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float v = values[i] / state.scales[i / g.inner % g.groups];
      const double fraction = static_cast<double>(v - std::floor(v));
      state.rounding[i] = static_cast<float>(-std::log(1.2 / (fraction + 0.1) - 1.0));
    }
  }

  void forward(const PointState &state, Grouping g, const float *x, float *y, const Draw &, bool soft) const override {
    const std::vector<float> zeros = zeros_of(state);
    soft_forward(grid(state, zeros), g, x, state.rounding.data(), y, soft);
  }

  void backward(const PointState &state, Grouping g, const float *x, const float *dy, float *dx,
                PointGradients gradients, const Draw &) const override {
    const std::vector<float> zeros = zeros_of(state);
    soft_backward(grid(state, zeros), g, x, state.rounding.data(), dy, {dx, gradients.rounding, gradients.scales});
  }

  double regularize(const PointState &state, const Regularization &how, PointGradients gradients) const override {
    if (how.rounding_weight == 0) return 0;
    return soft_penalty(state.rounding.data(), state.rounding.size(), how.rounding_weight, how.rounding_beta,
                        gradients.rounding);
  }

  void deploy(const PointState &state, Grouping g, const float *x, float *w) const override {
    forward(state, g, x, w, {}, false);
    const std::vector<float> zeros = zeros_of(state);
    keep_codes(g, spec().rounding, w, [&](float value, std::size_t group) {
      float result = 0;
      round_forward(&state.scales[group], &zeros[group], {}, &value, &result);
      return result;
    });
  }

 private:
  StepGrid grid(const PointState &state, const std::vector<float> &zeros) const {
    return {state.scales.data(), zeros.data(), static_cast<float>(spec().quant_min),
            static_cast<float>(spec().quant_max), spec().rounding};
  }
};

const sdk::Params &adaround_parameters() {
  static const sdk::Params none;
  return none;
}

}  // namespace

const Method &adaround_method() {
  static const Method method{"adaround",
                             "Weights learn to be rounded up or down",
                             "Learns for each weight whether it is rounded up or down.",
                             "Nagel et al. 2020, arXiv:2004.10568",
                             &adaround_parameters,
                             [](const PointSpec &spec, const MethodArguments &) {
                               return std::unique_ptr<FakeQuantizer>(std::make_unique<AdaRound>(spec));
                             }};
  return method;
}

}  // namespace halftone::trainer
