// Power of two: the config's scale is moved to 2^n once, then it stays. Zero points move with it, so that the range
// keeps its lower end (PPQ rounds the scale and keeps the zero point of the old one).
#include <algorithm>
#include <cmath>

#include "method.h"
#include "step_quantizer.h"

namespace halftone::trainer {
namespace {

class PowerOfTwo final : public StepQuantizer {
 public:
  PowerOfTwo(const PointSpec &spec, const std::string &direction)
      : StepQuantizer(spec, Bounds::kCode), direction_(direction) {}
  std::uint32_t learnable() const override { return 0; }

  void load(PointState &state, std::span<const float> scales, std::span<const float> zero_points) const override {
    StepQuantizer::load(state, scales, zero_points);
    for (std::size_t g = 0; g < state.scales.size(); ++g) {
      const double was = static_cast<double>(std::max(state.scales[g], kLeastScale)), is = moved(was);
      state.scales[g] = static_cast<float>(is);
      if (spec().symmetric) continue;
      const auto least = static_cast<double>(spec().quant_min), most = static_cast<double>(spec().quant_max);
      const double from_least = (static_cast<double>(state.offsets[g]) - least) * was / is;
      state.offsets[g] = static_cast<float>(std::clamp(least + from_least, least, most));
    }
  }

 private:
  double moved(double scale) const {
    const double exponent = std::log2(scale);
    if (direction_ == "nearest") return std::exp2(std::nearbyint(exponent));
    return std::exp2(direction_ == "up" ? std::ceil(exponent) : std::floor(exponent));
  }
  std::string direction_;
};

const sdk::Params &power_of_two_parameters() {
  static const sdk::Params table = [] {
    sdk::Params p;
    p.choice("direction",
             "where a scale goes that is between two powers of two; 'up' never clips more than before, 'nearest' is "
             "nearest in the exponent",
             "up", {"up", "nearest", "down"});
    return p;
  }();
  return table;
}

}  // namespace

const Method &power_of_two_method() {
  static const Method method{
      "power-of-two",
      "The scale becomes a power of two and stays",
      "Moves the config's scale to 2^n at the start, so that hardware rescales by shifts; then as 'fixed'.",
      "Jain et al. 2020, arXiv:1903.08066, section 3 (power-of-2 scale factors)",
      &power_of_two_parameters,
      [](const PointSpec &spec, const MethodArguments &arguments) {
        return std::unique_ptr<FakeQuantizer>(std::make_unique<PowerOfTwo>(spec, arguments.choice("direction")));
      }};
  return method;
}

}  // namespace halftone::trainer
