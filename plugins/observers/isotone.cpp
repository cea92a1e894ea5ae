#include <cmath>
#include <cstdio>
#include <vector>

#include "halftone/observer.hpp"

namespace halftone::observers {
namespace {

constexpr int kCandidatesPerOctave = 32, kOctaves = 8;
constexpr std::size_t kCandidates = kCandidatesPerOctave * kOctaves + 1;

float part_of(std::size_t candidate) {
  return static_cast<float>(std::exp2(-static_cast<double>(candidate) / kCandidatesPerOctave));
}

// How often each candidate range keeps the largest value of a row above the second.
class Orders final : public sdk::Accumulator {
 public:
  Orders(const sdk::Context &ctx, const ht_quant_spec &spec, float low, float high, std::int64_t axis)
      : axis_(axis), scales_(kCandidates), zero_points_(kCandidates), first_(kCandidates), second_(kCandidates) {
    for (std::size_t i = 0; i < kCandidates; ++i) {
      sdk::check(ctx.host.arithmetic->scale_from_range(ctx.raw, &spec, std::min(low, 0.0F) * part_of(i),
                                                       std::max(high, 0.0F) * part_of(i), &scales_[i],
                                                       &zero_points_[i]));
    }
    quantizer_.struct_size = sizeof(quantizer_);
    quantizer_.kind = spec.kind;
    quantizer_.rounding = spec.rounding;
    quantizer_.granularity = HT_PER_CHANNEL;
    quantizer_.quant_min = spec.quant_min;
    quantizer_.quant_max = spec.quant_max;
    quantizer_.count = kCandidates;
    quantizer_.scales = scales_.data();
    quantizer_.zero_points = zero_points_.data();
  }
  Orders(const Orders &) = delete;  // the quantizer points into this
  Orders &operator=(const Orders &) = delete;

  void observe(const sdk::Context &ctx, const ht_tensor_view &tensor) override {
    const std::int64_t rank = tensor.rank, axis = axis_ < 0 ? axis_ + rank : axis_;
    if (axis < 0 || axis >= rank) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "isotone compares along axis " + std::to_string(axis_) +
                                                  ", and the value has rank " + std::to_string(rank));
    }
    std::size_t outer = 1, inner = 1;
    for (std::int64_t k = 0; k < rank; ++k) {
      if (k != axis) (k < axis ? outer : inner) *= static_cast<std::size_t>(tensor.shape[k]);
    }
    const auto extent = static_cast<std::size_t>(tensor.shape[axis]);
    const auto *data = static_cast<const float *>(tensor.data);
    for (std::size_t o = 0; o < outer; ++o) {
      for (std::size_t i = 0; i < inner; ++i) row(ctx, data + o * extent * inner + i, extent, inner);
    }
  }
  void merge(const sdk::Context &, const Accumulator &other) override {
    const auto &from = static_cast<const Orders &>(other);
    rows_ += from.rows_;
    for (std::size_t i = 0; i < kCandidates; ++i) kept_[i] += from.kept_[i];
  }

  // Of equals the widest.
  std::size_t best() const {
    std::size_t best = 0;
    for (std::size_t i = 1; i < kCandidates; ++i) {
      if (kept_[i] > kept_[best]) best = i;
    }
    return best;
  }
  std::uint64_t kept(std::size_t candidate) const { return kept_[candidate]; }
  std::uint64_t rows() const { return rows_; }

 private:
  void row(const sdk::Context &ctx, const float *data, std::size_t extent, std::size_t step) {
    if (extent < 2) return;
    float largest = std::max(data[0], data[step]), next = std::min(data[0], data[step]);
    for (std::size_t c = 2; c < extent; ++c) {
      const float x = data[c * step];
      if (x > largest) {
        next = largest, largest = x;
      } else if (x > next) {
        next = x;
      }
    }
    if (!(largest > next)) return;  // there is no order to keep
    ++rows_;
    quantize(ctx, largest, first_);
    quantize(ctx, next, second_);
    for (std::size_t i = 0; i < kCandidates; ++i) kept_[i] += first_[i] > second_[i] ? 1 : 0;
  }
  // One value under every candidate.
  void quantize(const sdk::Context &ctx, float x, std::vector<float> &out) const {
    std::fill(out.begin(), out.end(), x);
    const auto count = static_cast<std::int64_t>(kCandidates);
    ht_tensor_view view{};
    view.struct_size = sizeof(view);
    view.dtype = HT_F32;
    view.rank = 1;
    view.shape = &count;
    view.data = out.data();
    sdk::check(ctx.host.arithmetic->fake_quantize(ctx.raw, &quantizer_, &view, &view));
  }

  std::int64_t axis_;
  ht_quantizer quantizer_{};
  std::vector<float> scales_;
  std::vector<std::int32_t> zero_points_;
  std::vector<float> first_, second_;
  std::uint64_t rows_ = 0;
  std::vector<std::uint64_t> kept_ = std::vector<std::uint64_t>(kCandidates, 0);
};

}  // namespace

class Isotone final : public sdk::AccumulatingObserver {
 public:
  static constexpr std::uint32_t kWants = 0;
  static constexpr std::uint32_t kWantsPerChannel = 0;
  static constexpr std::uint32_t kFlags = HT_OBSERVER_EXACT_MERGE;

  static void describe(sdk::Description &d) {
    d.id("isotone")
        .title("the range that most often keeps the largest value the largest")
        .threading(HT_THREADING_FREE)
        .doc(
            "For outputs of classifiers, where the order of the values matters and not their size. In every row along "
            "`axis` the two largest values are quantized with 257 ranges, from that of minmax down to a 256th of it in "
            "steps of a 32nd of an octave, with the grid that the platform really has; the range that keeps the larger "
            "one above the other in most rows is taken, of equals the widest. So the samples of the calibration keep "
            "their winner at least as often as with minmax. A second pass over the data does the counting; its memory "
            "does not grow with the data. Rows of equal largest values do not count.\n"
            "\n"
            "This is what is elsewhere called an order-preserving observer. PPQ counterpart: the observer `isotone`, "
            "which collects intervals that are sufficient only in part, takes absolute values and knows symmetric "
            "configs only.");
    d.params.integer("axis", "along which values compete; negative: counted from the last", -1, -16, 15);
  }
  explicit Isotone(const sdk::Args &args) : axis_(args.integer("axis")) {}

  ht_str derive(const sdk::Context &, const ht_statistics &statistics, const ht_quant_spec &, std::span<float> low,
                std::span<float> high) const override {
    low[0] = statistics.minimum;
    high[0] = statistics.maximum;
    return sdk::view(std::string_view("minmax (isotone without samples)"));
  }

  std::unique_ptr<sdk::Accumulator> begin(const sdk::Context &ctx, const ht_quant_spec &spec,
                                          const ht_statistics *statistics,
                                          const sdk::Accumulator *previous) const override {
    if (statistics == nullptr || previous != nullptr) return nullptr;
    return std::make_unique<Orders>(ctx, spec, statistics->minimum, statistics->maximum, axis_);
  }

  ht_str finish(const sdk::Context &ctx, const sdk::Accumulator &seen, const ht_statistics &statistics,
                const ht_quant_spec &, std::span<float> low, std::span<float> high) const override {
    const auto &orders = static_cast<const Orders &>(seen);
    const std::size_t best = orders.best();
    low[0] = std::min(statistics.minimum, 0.0F) * part_of(best);
    high[0] = std::max(statistics.maximum, 0.0F) * part_of(best);
    char text[160];
    const int written =
        std::snprintf(text, sizeof text, "isotone, %llu of %llu rows keep their largest value (minmax: %llu)",
                      static_cast<unsigned long long>(orders.kept(best)),
                      static_cast<unsigned long long>(orders.rows()), static_cast<unsigned long long>(orders.kept(0)));
    return ctx.keep(std::string_view(text, static_cast<std::size_t>(written)));
  }

 private:
  std::int64_t axis_;
};
HALFTONE_OBSERVER(Isotone)

}  // namespace halftone::observers
