// TQT: trained quantization thresholds. What is learned is log2 of the threshold t; the scale is 2^ceil(log2 t) divided
// by the power of two that the codes reach (2^(bits-1) signed, 2^bits unsigned). The state holds log2 t minus that
// exponent, log2 of a scale that is not rounded yet, which moves as log2 t does. dy/dlog2(t) = s ln 2 times round(v) -
// v inside and quant_min or quant_max beyond, where the rounded code decides; the gradient goes straight through the
// ceil. MQBench's class of this name has its threshold learning switched off and takes the mask from another scale than
// the one it rounds with.
#include <algorithm>
#include <bit>
#include <cmath>

#include "group_statistics.h"
#include "method.h"
#include "step_quantizer.h"

namespace halftone::trainer {
namespace {

constexpr float kLeastExponent = -26.0F;  // 2^-26 is the first power of two above the least scale of a config
constexpr float kMostExponent = 64.0F;

class Tqt final : public StepQuantizer {
 public:
  Tqt(const PointSpec &spec, const MethodArguments &arguments)
      : StepQuantizer(spec, Bounds::kCode), from_deviation_(arguments.choice("initial") == "deviation") {
    refuse_float8(spec, "tqt");
    if (!spec.symmetric) refuse_point("tqt", "is for symmetric configs; use 'lsq-plus' for asymmetric ones");
  }
  std::uint32_t learnable() const override { return 1U << HT_LEARNED_SCALE; }

  void load(PointState &state, std::span<const float> scales, std::span<const float> zero_points) const override {
    StepQuantizer::load(state, scales, zero_points);
    for (float &scale : state.scales) scale = std::log2(std::max(scale, kLeastScale));
    settle(state);
  }
  void store(const PointState &state, std::span<float> scales, std::span<float> offsets) const override {
    StepQuantizer::store(state, scales, offsets);
    for (std::size_t g = 0; g < state.scales.size(); ++g) scales[g] = std::exp2(std::ceil(state.scales[g]));
  }
  bool starts_from_values() const override { return from_deviation_; }
  void initialise(PointState &state, std::span<const float> values, Grouping grouping) const override {
    if (!from_deviation_ || values.empty()) return;
    const auto codes = static_cast<std::uint64_t>(std::max(-spec().quant_min, spec().quant_max));
    const double reach = static_cast<double>(std::bit_ceil(codes));
    for (std::size_t g = 0; g < grouping.groups; ++g) {
      const double threshold = 3 * statistics_of_group(values, grouping, g).deviation;
      state.scales[g] = static_cast<float>(std::log2(std::max(threshold / reach, 1e-30)));
    }
    settle(state);
  }
  void settle(PointState &state) const override {
    for (float &exponent : state.scales) exponent = std::clamp(exponent, kLeastExponent, kMostExponent);
  }

 protected:
  double scale_slope(const PointState &state, std::size_t group) const override {
    constexpr double kLn2 = 0.69314718055994530942;
    return static_cast<double>(std::exp2(std::ceil(state.scales[group]))) * kLn2;
  }

 private:
  bool from_deviation_;
};

const sdk::Params &tqt_parameters() {
  static const sdk::Params table = [] {
    sdk::Params p;
    p.choice("initial",
             "where the threshold starts: 'config' at the calibrated one, 'deviation' at three standard deviations of "
             "the weight; activations start at the calibrated one only",
             "config", {"config", "deviation"});
    return p;
  }();
  return table;
}

}  // namespace

const Method &tqt_method() {
  static const Method method{"tqt",
                             "The threshold is learned in powers of two",
                             "Learns log2 of the clipping threshold; scales are always powers of two.",
                             "Jain et al. 2020, arXiv:1903.08066",
                             &tqt_parameters,
                             [](const PointSpec &spec, const MethodArguments &arguments) {
                               return std::unique_ptr<FakeQuantizer>(std::make_unique<Tqt>(spec, arguments));
                             }};
  return method;
}

}  // namespace halftone::trainer
