// LSQ. v = x / s, y = round(clip(v, low, high)) * s; dy/ds = round(v) - v inside, low or high where v is clipped; dy/dx
// passes inside. PyTorch's and PPQ's kernels ask whether round(v) is in the range instead of v, which differs in the
// half steps at both ends: `bounds: code` does as they do. PPQ divides by sqrt(N * (quant_max - quant_min)) for scales
// per tensor; that factor is not the paper's and is not here.
#include "lsq.h"

#include <algorithm>
#include <cmath>

#include "group_statistics.h"

namespace halftone::trainer {
namespace {

class Lsq final : public LearnedStep {
 public:
  Lsq(const PointSpec &spec, const MethodArguments &arguments)
      : LearnedStep(spec, arguments, false), from_mean_(arguments.choice("initial") == "mean") {
    refuse_power_of_two(spec, "lsq");
  }

  bool starts_from_values() const override { return from_mean_; }
  void initialise(PointState &state, std::span<const float> values, Grouping grouping) const override {
    if (!from_mean_ || values.empty()) return;
    const auto most = static_cast<double>(std::max<std::int64_t>(spec().quant_max, 1));
    for (std::size_t g = 0; g < grouping.groups; ++g) {
      const double size = statistics_of_group(values, grouping, g).mean_size;
      state.scales[g] = std::max(static_cast<float>(2.0 * size / std::sqrt(most)), kLeastScale);
    }
  }

 private:
  bool from_mean_;
};

const sdk::Params &lsq_parameters() {
  static const sdk::Params table = [] {
    sdk::Params p;
    add_learned_step_parameters(p);
    p.choice("initial",
             "where the scale starts: 'config' at the calibrated one, 'mean' at 2 * mean(|x|) / sqrt(quant_max) of the "
             "weight; activations start at the calibrated one only",
             "config", {"config", "mean"});
    return p;
  }();
  return table;
}

}  // namespace

void add_learned_step_parameters(sdk::Params &p) {
  p.choice("bounds",
           "what ends the range: 'value' where x / scale reaches quant_min or quant_max, as in the paper; 'code' where "
           "its rounded code is beyond them, as in PyTorch",
           "value", {"value", "code"});
  p.flag("gradient_scale",
         "whether gradients of scale and offset are multiplied by 1 / sqrt(N * quant_max), N the elements that share a "
         "scale",
         true);
}

const Method &lsq_method() {
  static const Method method{"lsq",
                             "The scale is learned",
                             "Learns the step size with the gradient of the rounding.",
                             "Esser et al. 2020, arXiv:1902.08153",
                             &lsq_parameters,
                             [](const PointSpec &spec, const MethodArguments &arguments) {
                               return std::unique_ptr<FakeQuantizer>(std::make_unique<Lsq>(spec, arguments));
                             }};
  return method;
}

}  // namespace halftone::trainer
