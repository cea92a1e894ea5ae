#include <cmath>
#include <limits>
#include <vector>

#include "range_search.h"

namespace halftone::observers {
namespace {

constexpr int kOctavesDown = 8, kOctavesUp = 1, kTriesPerOctave = 16;

float largest_value(std::uint32_t kind) {
  return kind == HT_QUANT_F8E4M3FN ? 448.0F : 57344.0F;
}

// Where the values lie, how many there are, and what a scale makes of them.
class Cast {
 public:
  Cast(const sdk::Context &ctx, const Distribution &distribution, std::uint32_t kind) : ctx_(ctx) {
    quantizer_.struct_size = sizeof(quantizer_);
    quantizer_.kind = kind;
    quantizer_.rounding = HT_ROUND_HALF_EVEN;
    quantizer_.granularity = HT_PER_TENSOR;
    quantizer_.count = 1;
    for (std::size_t i = 0; i < distribution.counts.size(); ++i) {
      if (distribution.counts[i] == 0) continue;
      places_.push_back(static_cast<float>((distribution.lower(i) + distribution.upper(i)) / 2));
      counts_.push_back(static_cast<double>(distribution.counts[i]));
    }
    cast_.resize(places_.size());
  }

  double error(float scale) {
    const std::int32_t zero_point = 0;
    const auto count = static_cast<std::int64_t>(places_.size());
    quantizer_.scales = &scale;
    quantizer_.zero_points = &zero_point;
    const ht_tensor_view in = sdk_view(places_, count);
    ht_tensor_view out = sdk_view(cast_, count);
    sdk::check(ctx_.host.arithmetic->fake_quantize(ctx_.raw, &quantizer_, &in, &out));
    double sum = 0;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const double d = static_cast<double>(cast_[i]) - static_cast<double>(places_[i]);
      sum += counts_[i] * d * d;
    }
    return sum;
  }

 private:
  static ht_tensor_view sdk_view(std::vector<float> &values, const std::int64_t &count) {
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    view.dtype = HT_F32;
    view.rank = 1;
    view.shape = &count;
    view.data = values.data();
    return view;
  }

  const sdk::Context &ctx_;
  ht_quantizer quantizer_{};
  std::vector<float> places_, cast_;
  std::vector<double> counts_;
};

}  // namespace

class Floating final : public RangeSearch {
 public:
  static void describe(sdk::Description &d) {
    d.id("floating")
        .title("the float8 scale with the least squared error")
        .threading(HT_THREADING_FREE)
        .doc(
            "Scales from twice the one that just holds the largest value down to a 256th of it are tried, all powers "
            "of two among them or, where the type takes any scale, sixteen in each octave; the cast is the one that "
            "will be simulated, with its subnormals and its saturation. Values stand where the middle of their "
            "histogram bin is, which is a 256th of themselves wide at most, where float8 has at best 16 values in an "
            "octave; channels and blocks of up to 2048 elements are judged by the elements themselves.\n"
            "\n"
            "PPQ counterpart: the observer `floating`, which tries seven fixed powers of two on a random sample of the "
            "values.");
  }
  explicit Floating(const sdk::Args &) {}

  Range find(const sdk::Context &ctx, const Distribution &distribution, const ht_quant_spec &spec) const override {
    if (spec.kind == HT_QUANT_INTEGER) {
      throw sdk::Failure(HT_INVALID_ARGUMENT,
                         "observer 'floating' searches scales of float8 types; use mse for integers");
    }
    const double most = distribution.absolute_maximum(), largest = static_cast<double>(largest_value(spec.kind));
    if (!(most > 0) || distribution.counts.empty()) return {-most, most};
    Cast cast(ctx, distribution, spec.kind);
    const bool powers = spec.scale_form == HT_SCALE_POWER_OF_TWO;
    const double whole = powers ? std::exp2(std::ceil(std::log2(most / largest))) : most / largest;
    const int each = powers ? 1 : kTriesPerOctave;
    double best = whole, least = cast.error(static_cast<float>(whole));
    for (int i = 1; i <= (kOctavesDown + kOctavesUp) * each; ++i) {
      const int steps = i <= kOctavesDown * each ? -i : i - kOctavesDown * each;
      const double scale = whole * std::exp2(static_cast<double>(steps) / each);
      if (scale < 1e-8) continue;
      const double error = cast.error(static_cast<float>(scale));
      if (error < least) least = error, best = scale;
    }
    return {-best * largest, best * largest};
  }
  ht_str rule(const sdk::Context &, const ht_quant_spec &) const override {
    return sdk::view(std::string_view("least squared error as float8"));
  }
};
HALFTONE_OBSERVER(Floating)

}  // namespace halftone::observers
