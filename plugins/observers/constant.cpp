#include <cmath>
#include <limits>

#include "halftone/observer.hpp"

namespace halftone::observers {

class Constant final : public sdk::Observer {
 public:
  static constexpr std::uint32_t kWants = 0;
  static constexpr std::uint32_t kWantsPerChannel = HT_WANT_CHANNEL_RANGE;

  static void describe(sdk::Description &d) {
    d.id("constant")
        .title("a scale that is given")
        .threading(HT_THREADING_FREE)
        .doc(
            "Every tensor, channel or block gets the scale and zero point that the parameters name, whatever the "
            "values are; for hardware with fixed points, for float8 that is cast without a scale, and for scales that "
            "are known from elsewhere. A zero point other than 0 needs an asymmetric type.\n"
            "\n"
            "PPQ counterpart: the observer `constant`, whose scale is always 1.");
    d.params.number("scale", "the scale; a type with power-of-two scales rounds it up", 1.0, 1e-8, 1e30)
        .integer("zero_point", "the code of 0", 0, -32768, 65535);
  }
  explicit Constant(const sdk::Args &args)
      : scale_(static_cast<float>(args.number("scale"))),
        zero_point_(static_cast<std::int32_t>(args.integer("zero_point"))) {}

  ht_str derive(const sdk::Context &ctx, const ht_statistics &, const ht_quant_spec &spec, std::span<float> low,
                std::span<float> high) const override {
    const bool symmetric = spec.symmetry == HT_SYMMETRIC;
    if (symmetric && zero_point_ != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "observer 'constant' has the zero point " + std::to_string(zero_point_) +
                                                  " for a symmetric type, whose zero point is 0");
    }
    if (!symmetric && (zero_point_ < spec.quant_min || zero_point_ > spec.quant_max)) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "observer 'constant' has the zero point " + std::to_string(zero_point_) +
                                                  ", outside the codes " + std::to_string(spec.quant_min) + " to " +
                                                  std::to_string(spec.quant_max));
    }
    const double steps_below = symmetric ? 0 : static_cast<double>(spec.quant_min - zero_point_);
    const double steps = symmetric ? divisor(ctx, spec) : static_cast<double>(spec.quant_max - spec.quant_min);
    const double wide = static_cast<double>(scale_);
    std::fill(low.begin(), low.end(), static_cast<float>(steps_below * wide));
    std::fill(high.begin(), high.end(), exact_high(ctx, spec, low[0], (steps_below + steps) * wide));
    return sdk::view(std::string_view("constant"));
  }

 private:
  // Steps from 0 to the end of a symmetric range, as the host's own rule has them.
  static double divisor(const sdk::Context &ctx, const ht_quant_spec &spec) {
    ht_quant_spec free = spec;
    free.scale_form = HT_SCALE_FREE;
    float scale = 0;
    std::int32_t zero = 0;
    sdk::check(ctx.host.arithmetic->scale_from_range(ctx.raw, &free, 0, 1, &scale, &zero));
    return std::round(2.0 / static_cast<double>(scale)) / 2;  // whole or half
  }
  // The range is rounded to float, and so is the scale that comes of it: the neighbour that gives the scale itself.
  float exact_high(const sdk::Context &ctx, const ht_quant_spec &spec, float low, double high) const {
    const auto near = static_cast<float>(high);
    if (spec.scale_form != HT_SCALE_FREE) return near;
    const float infinity = std::numeric_limits<float>::infinity();
    for (const float candidate : {near, std::nextafter(near, 0.0F), std::nextafter(near, infinity)}) {
      float scale = 0;
      std::int32_t zero = 0;
      sdk::check(ctx.host.arithmetic->scale_from_range(ctx.raw, &spec, low, candidate, &scale, &zero));
      if (scale == scale_) return candidate;
    }
    return near;
  }

  float scale_;
  std::int32_t zero_point_;
};
HALFTONE_OBSERVER(Constant)

}  // namespace halftone::observers
