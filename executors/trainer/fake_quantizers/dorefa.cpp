// DoReFa for weights: u = a * tanh(w) / max|tanh(w)|, then u is quantized, straight through. The paper's a is 1 and its
// scale 1 / quant_max, with a normalization after the layer that takes up any factor. Here a is the reach of the
// config's own range (scale times the codes on the shorter side of 0), so that a layer keeps its size where no
// normalization follows; with a scale of 1 / quant_max it is the paper's. The largest is that of all weights that share
// a scale. dy/dw is exact, the part through the largest weight included. The paper's grid has no zero and 2^bits - 1
// steps; here it is the config's, as in MQBench, which however normalizes the weight even where quantization is off.
#include <algorithm>
#include <cmath>

#include "deployed_values.h"
#include "method.h"

namespace halftone::trainer {
namespace {

class DoReFa final : public StepQuantizer {
 public:
  explicit DoReFa(const PointSpec &spec) : StepQuantizer(spec, Bounds::kCode) {
    if (!spec.is_weight) refuse_point("dorefa", "is for weights; use 'pact' or 'lsq' for activations");
    refuse_float8(spec, "dorefa");
  }
  std::uint32_t learnable() const override { return 0; }

  void forward(const PointState &state, Grouping g, const float *x, float *y, const Draw &, bool) const override {
    const std::vector<float> zeros = zeros_of(state);
    const std::vector<float> squashed = squash(state, zeros, g, x).values;
    round_forward(state.scales.data(), zeros.data(), g, squashed.data(), y);
  }

  void backward(const PointState &state, Grouping g, const float *x, const float *dy, float *dx, PointGradients,
                const Draw &) const override {
    if (dx == nullptr) return;
    const std::vector<float> zeros = zeros_of(state);
    const Squashed s = squash(state, zeros, g, x);
    std::vector<float> du(g.size());
    round_backward(state.scales.data(), zeros.data(), g, s.values.data(), dy,
                   {Bounds::kCode, false, du.data(), nullptr, nullptr, nullptr});
    std::vector<double> through_largest(g.groups);
    each(g, [&](std::size_t i, std::size_t group) {
      through_largest[group] += static_cast<double>(du[i]) * std::tanh(static_cast<double>(x[i]));
    });
    each(g, [&](std::size_t i, std::size_t group) {
      const double t = std::tanh(static_cast<double>(x[i])), factor = s.reach[group] / s.largest[group];
      double d = factor * static_cast<double>(du[i]);
      if (i == s.where[group]) d -= std::copysign(factor / s.largest[group], t) * through_largest[group];
      dx[i] = static_cast<float>(d * (1 - t * t));
    });
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
  // `largest` of |tanh(w)| and where it first is; 1 where all weights of a group are 0.
  struct Squashed {
    std::vector<float> values;
    std::vector<double> largest, reach;
    std::vector<std::size_t> where;
  };

  template <class Visit>
  static void each(Grouping g, const Visit &visit) {
    std::size_t at = 0;
    for (std::size_t o = 0; o < g.outer; ++o) {
      for (std::size_t group = 0; group < g.groups; ++group) {
        for (std::size_t i = 0; i < g.inner; ++i) visit(at++, group);
      }
    }
  }

  Squashed squash(const PointState &state, const std::vector<float> &zeros, Grouping g, const float *x) const {
    Squashed s{std::vector<float>(g.size()), std::vector<double>(g.groups), std::vector<double>(g.groups),
               std::vector<std::size_t>(g.groups)};
    each(g, [&](std::size_t i, std::size_t group) {
      const double size = std::fabs(std::tanh(static_cast<double>(x[i])));
      if (size <= s.largest[group]) return;
      s.largest[group] = size;
      s.where[group] = i;
    });
    for (std::size_t group = 0; group < g.groups; ++group) {
      const double zero = static_cast<double>(zeros[group]);
      const double below = zero - static_cast<double>(spec().quant_min);
      const double above = static_cast<double>(spec().quant_max) - zero;
      const double shorter = std::min(below, above);
      s.reach[group] = static_cast<double>(state.scales[group]) * (shorter > 0 ? shorter : std::max(below, above));
      if (s.largest[group] == 0) s.largest[group] = 1;
    }
    each(g, [&](std::size_t i, std::size_t group) {
      s.values[i] = static_cast<float>(s.reach[group] * std::tanh(static_cast<double>(x[i])) / s.largest[group]);
    });
    return s;
  }
};

const sdk::Params &dorefa_parameters() {
  static const sdk::Params none;
  return none;
}

}  // namespace

const Method &dorefa_method() {
  static const Method method{"dorefa",
                             "Weights are squashed by tanh",
                             "Quantizes tanh of the weights, spread over the whole range of the config.",
                             "Zhou et al. 2016, arXiv:1606.06160",
                             &dorefa_parameters,
                             [](const PointSpec &spec, const MethodArguments &) {
                               return std::unique_ptr<FakeQuantizer>(std::make_unique<DoReFa>(spec));
                             }};
  return method;
}

}  // namespace halftone::trainer
