// An observer that averages the extremes of the samples: the smallest thing with an accumulator of its own.
#include <halftone/observer.hpp>

#include <algorithm>
#include <cstdint>

namespace {

namespace sdk = halftone::sdk;

class Extremes final : public sdk::Accumulator {
 public:
  void observe(const sdk::Context &, const ht_tensor_view &tensor) override {
    std::int64_t count = 1;
    for (std::uint32_t k = 0; k < tensor.rank; ++k) count *= tensor.shape[k];
    const float *values = static_cast<const float *>(tensor.data);
    const auto [low, high] = std::minmax_element(values, values + count);
    low_ += static_cast<double>(*low);
    high_ += static_cast<double>(*high);
    samples_ += 1;
  }
  void merge(const sdk::Context &, const Accumulator &next) override {
    const auto &other = static_cast<const Extremes &>(next);
    low_ += other.low_;
    high_ += other.high_;
    samples_ += other.samples_;
  }
  float low() const { return static_cast<float>(low_ / samples_); }
  float high() const { return static_cast<float>(high_ / samples_); }

 private:
  double low_ = 0, high_ = 0, samples_ = 0;
};

class MeanExtremes final : public sdk::AccumulatingObserver {
 public:
  static constexpr std::uint32_t kWants = 0;            // minimum and maximum are always there
  static constexpr std::uint32_t kWantsPerChannel = 0;  // one range per tensor only

  static void describe(sdk::Description &d) {
    d.id("mean-extremes")
        .version("1.0")
        .title("Averages the extremes of the samples")
        .doc("The range reaches from the mean of the samples' minima to the mean of their maxima, times `margin`.")
        .threading(HT_THREADING_FREE);
    d.params.number("margin", "Widens the range.", 1.0, 1.0, 2.0);
  }
  explicit MeanExtremes(const sdk::Args &args) : margin_(static_cast<float>(args.number("margin"))) {}

  // Null in further passes: one is enough.
  std::unique_ptr<sdk::Accumulator> begin(const sdk::Context &, const ht_quant_spec &, const ht_statistics *statistics,
                                          const sdk::Accumulator *) const override {
    return statistics == nullptr ? std::make_unique<Extremes>() : nullptr;
  }
  ht_str finish(const sdk::Context &, const sdk::Accumulator &seen, const ht_statistics &, const ht_quant_spec &,
                std::span<float> low, std::span<float> high) const override {
    const auto &extremes = static_cast<const Extremes &>(seen);
    low[0] = extremes.low() * margin_;
    high[0] = extremes.high() * margin_;
    return sdk::view(std::string_view("mean extremes"));
  }
  // Not called while begin() gives an accumulator.
  ht_str derive(const sdk::Context &, const ht_statistics &, const ht_quant_spec &, std::span<float>,
                std::span<float>) const override {
    throw sdk::Failure(HT_FAILED_PRECONDITION, "mean-extremes needs the samples");
  }

 private:
  float margin_;
};

}  // namespace

HALFTONE_OBSERVER(MeanExtremes)
HALFTONE_PLUGIN("com.example.mean-extremes", "1.0", "Apache-2.0")
