// PACT: learns the clipping value alpha. y is alpha where x >= alpha, so dy/dalpha is 1 there and 0 below: rounding
// errors do not count, unlike in LSQ. The scale is alpha divided by the codes from the zero point to quant_max; the
// lower end moves with alpha (symmetric ranges: -alpha), and where x is below it dy/dalpha is (low / high). MQBench
// stops the gradient of alpha as soon as calibration is over; here it is learned throughout.
#include <algorithm>
#include <cmath>

#include "method.h"
#include "step_quantizer.h"

namespace halftone::trainer {
namespace {

class Pact final : public StepQuantizer {
 public:
  Pact(const PointSpec &spec, const MethodArguments &arguments)
      : StepQuantizer(spec, Bounds::kValue), decay_(arguments.number("decay")), start_(arguments.number("alpha")) {
    refuse_power_of_two(spec, "pact");
    refuse_float8(spec, "pact");
  }
  std::uint32_t learnable() const override { return 1U << HT_LEARNED_SCALE; }

  void load(PointState &state, std::span<const float> scales, std::span<const float> zero_points) const override {
    StepQuantizer::load(state, scales, zero_points);
    for (std::size_t g = 0; g < state.scales.size(); ++g) {
      state.scales[g] = static_cast<float>(static_cast<double>(scales[g]) * reach(state, g));
    }
  }
  void store(const PointState &state, std::span<float> scales, std::span<float> offsets) const override {
    StepQuantizer::store(state, scales, offsets);
    for (std::size_t g = 0; g < state.scales.size(); ++g) {
      scales[g] = std::max(static_cast<float>(static_cast<double>(state.scales[g]) / reach(state, g)), kLeastScale);
    }
  }
  void initialise(PointState &state, std::span<const float>, Grouping) const override {
    if (start_ > 0) std::fill(state.scales.begin(), state.scales.end(), static_cast<float>(start_));
  }
  void settle(PointState &state) const override {
    for (std::size_t g = 0; g < state.scales.size(); ++g) {
      state.scales[g] = std::max(std::fabs(state.scales[g]), static_cast<float>(reach(state, g)) * kLeastScale);
    }
  }
  double regularize(const PointState &state, const Regularization &, PointGradients gradients) const override {
    double sum = 0;
    for (std::size_t g = 0; g < state.scales.size(); ++g) {
      const double alpha = static_cast<double>(state.scales[g]);
      sum += decay_ * alpha * alpha / 2;
      if (gradients.scales != nullptr) gradients.scales[g] += decay_ * alpha;
    }
    return sum;
  }

 protected:
  bool counts_error() const override { return false; }
  double scale_slope(const PointState &state, std::size_t group) const override { return 1.0 / reach(state, group); }

 private:
  // Codes between the zero point and the end of the range that alpha stands for: the upper one if there is any.
  double reach(const PointState &state, std::size_t group) const {
    const double zero = spec().symmetric ? 0.0 : static_cast<double>(settled_offset(state.offsets[group], spec()));
    const double above = static_cast<double>(spec().quant_max) - zero;
    return above > 0 ? above : zero - static_cast<double>(spec().quant_min);
  }
  double decay_, start_;
};

const sdk::Params &pact_parameters() {
  static const sdk::Params table = [] {
    sdk::Params p;
    p.number("decay", "weight of the penalty decay * alpha^2 / 2, which the method adds to the loss itself", 0.0, 0.0,
             1e3);
    p.number("alpha", "where every clipping value starts, in the unit of the tensor; 0: at the calibrated range", 0.0,
             0.0, 1e6);
    return p;
  }();
  return table;
}

}  // namespace

const Method &pact_method() {
  static const Method method{"pact",
                             "The clipping value is learned",
                             "Learns where activations are clipped; the scale follows.",
                             "Choi et al. 2018, arXiv:1805.06085",
                             &pact_parameters,
                             [](const PointSpec &spec, const MethodArguments &arguments) {
                               return std::unique_ptr<FakeQuantizer>(std::make_unique<Pact>(spec, arguments));
                             }};
  return method;
}

}  // namespace halftone::trainer
