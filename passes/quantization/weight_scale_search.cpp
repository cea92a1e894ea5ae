#include <cmath>
#include <string>
#include <vector>

#include "fused_weights.h"
#include "platform_options.h"
#include "quantization_points.h"
#include "weight_error.h"

namespace halftone::passes {
namespace {

// Weights wider than this lose nothing that a search could win back, and their codes leave float32.
constexpr std::uint32_t kMostBits = 16;
// Differences below this are rounding in the search itself.
constexpr double kLessThan = 1 - 1e-6;
// The floor that the kernel's arithmetic has for scales.
constexpr float kLeastScale = 1e-8F;

// The elements of one index of an axis, in order, side by side.
void gather(const ht_tensor_view &tensor, std::size_t axis, std::size_t index, std::vector<float> &out) {
  const std::span<const std::int64_t> shape = sdk::shape_of(tensor);
  std::size_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != axis) (i < axis ? outer : inner) *= static_cast<std::size_t>(shape[i]);
  }
  const auto *data = static_cast<const float *>(tensor.data);
  const std::size_t extent = static_cast<std::size_t>(shape[axis]);
  out.clear();
  for (std::size_t o = 0; o < outer; ++o) {
    const float *run = data + (o * extent + index) * inner;
    out.insert(out.end(), run, run + inner);
  }
}

}  // namespace

class WeightScaleSearch final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("weight-scale-search")
        .title("chooses the scales of weights by the error that they leave in a layer's output")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT)
        .after({HT_FACT_PARAMETERS_QUANTIZED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Every scale of a weight is tried a little smaller and larger, and the one is kept with the least expected "
            "squared error of the layer's output: sum(d^2) + mean_to_variance * sum(d)^2 over the weights of an output "
            "channel, where d is what rounding and clipping do to a weight. That is the error for independent inputs "
            "of "
            "one mean and variance (the second moment of sum(d * x)), so errors that add up because the inputs have "
            "one sign count for more than those that cancel. The default is the ratio of a Relu behind a normal "
            "distribution. It matters most where a channel has few weights, as in depthwise convolutions.\n"
            "\n"
            "No data is needed. Weights with one scale for the whole tensor are judged by sum(d^2) alone. "
            "Power-of-two "
            "scales, float8 and blocks are left as they are. The weight of an operator that a fusion puts in the place "
            "of others is searched like theirs.\n"
            "\n"
            "PPQ counterpart: none; its weights keep the range of their largest value.");
    d.params.number("lowest", "the smallest scale tried, as a part of the one found before", 0.6, 0.1, 1.0)
        .number("highest", "the largest scale tried, as a part of the one found before", 1.04, 1.0, 2.0)
        .integer("candidates", "scales tried between them", 45, 2, 1000)
        .number("mean_to_variance", "squared mean of a layer's inputs over their variance", kRectifiedMeanToVariance, 0,
                100);
  }
  explicit WeightScaleSearch(const sdk::Args &args) : mean_to_variance_(args.number("mean_to_variance")) {
    const double lowest = args.number("lowest"), highest = args.number("highest");
    const std::int64_t candidates = args.integer("candidates");
    for (std::int64_t i = 0; i < candidates; ++i) {
      factors_.push_back(highest - (highest - lowest) * static_cast<double>(i) / static_cast<double>(candidates - 1));
    }
  }

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    const std::vector<ht_handle> configs = points.configs.all();
    std::size_t weights = 0, changed = 0;
    Gain gain;
    for (std::size_t i = 0; i < configs.size(); ++i) {
      if (i % 16 == 0) ctx.poll(i, configs.size());
      const ht_config_info info = points.configs.info(configs[i]);
      if (!is_candidate(ctx, points, configs[i], info)) continue;
      if (info.state == HT_STATE_BAKED) {
        throw sdk::Failure(HT_FAILED_PRECONDITION,
                           points.describe(configs[i]) +
                               " is stored in quantized form, its scale cannot change; put weight-scale-search before "
                               "parameter-baking",
                           info.node);
      }
      changed += search(points, configs[i], info, gain) ? 1 : 0;
      ++weights;
    }
    ctx.report("searched", std::to_string(weights) + " weights, " + std::to_string(changed) + " changed");
    if (gain.before > 0) {
      ctx.report("error", std::to_string(std::lround(100 * gain.after / gain.before)) + " % of what it was");
    }
  }

 private:
  // Errors relative to the sum of the weights' squares, over all scales.
  struct Gain {
    double before = 0, after = 0;
  };

  static bool is_candidate(const sdk::Context &ctx, const QuantizationPoints &points, ht_handle config,
                           const ht_config_info &info) {
    if (info.state != HT_STATE_ACTIVATED && info.state != HT_STATE_BAKED) return false;
    if (info.root != config || info.master != HT_NONE || points.is_pinned(config)) return false;
    const ht_quant_spec &spec = info.spec;
    if (spec.kind != HT_QUANT_INTEGER || spec.bits > kMostBits || spec.scale_form != HT_SCALE_FREE) return false;
    if (spec.granularity == HT_PER_BLOCK || !points.is_parameter(info)) return false;
    const ht_node_rule rule = platform_rule(ctx, info.node);
    if (info.slot >= rule.input_count || rule.inputs[info.slot].role != HT_SLOT_WEIGHT) return false;
    return rule.computing != 0 || reads_fused_weight(sdk::Target(ctx), points.graph.node(info.node), info.slot);
  }

  // True when a scale changed.
  bool search(const QuantizationPoints &points, ht_handle config, const ht_config_info &info, Gain &gain) const {
    const auto tensor = points.graph.initializer(points.value_of(info));
    if (!tensor || tensor->dtype != HT_F32 || sdk::count_of(*tensor) == 0) return false;
    const std::vector<std::int32_t> zero_points(info.zero_points, info.zero_points + info.scale_count);
    const std::vector<float> before(info.scales, info.scales + info.scale_count);
    std::vector<float> scales = before, channel;
    const bool per_channel = info.spec.granularity == HT_PER_CHANNEL;
    for (std::size_t c = 0; c < scales.size(); ++c) {
      std::span<const float> w(static_cast<const float *>(tensor->data),
                               static_cast<std::size_t>(sdk::count_of(*tensor)));
      if (per_channel) {
        gather(*tensor, static_cast<std::size_t>(info.spec.axis), c, channel);
        w = channel;
      }
      const WeightCodes codes{static_cast<float>(info.spec.quant_min - zero_points[c]),
                              static_cast<float>(info.spec.quant_max - zero_points[c])};
      scales[c] = best(w, scales[c], codes, per_channel ? mean_to_variance_ : 0, gain);
    }
    if (scales == before) return false;
    points.configs.set_scales(
        config, scales, zero_points,
        per_channel ? "least expected error of the output" : "least squared error of the weights");
    return true;
  }

  float best(std::span<const float> w, float scale, const WeightCodes &codes, double mean_to_variance,
             Gain &gain) const {
    double power = 0;
    for (const float x : w) power += static_cast<double>(x) * static_cast<double>(x);
    if (!(power > 0)) return scale;
    const std::vector<float> scales = candidates_around(scale);
    std::vector<double> errors(scales.size());
    weight_errors(w, scales, codes, mean_to_variance, errors);
    const double before = errors.front();
    if (!std::isfinite(before)) return scale;
    std::size_t found = 0;
    for (std::size_t i = 1; i < scales.size(); ++i) {
      if (errors[i] < errors[found] * kLessThan) found = i;
    }
    gain.before += before / power;
    gain.after += errors[found] / power;
    return scales[found];
  }

  // The scale itself first.
  std::vector<float> candidates_around(float scale) const {
    std::vector<float> scales = {scale};
    for (const double factor : factors_) {
      const auto candidate = static_cast<float>(static_cast<double>(scale) * factor);
      if (candidate >= kLeastScale && std::isfinite(candidate)) scales.push_back(candidate);
    }
    return scales;
  }

  std::vector<double> factors_;  // of the scale found before
  double mean_to_variance_;
};
HALFTONE_PASS(WeightScaleSearch)

}  // namespace halftone::passes
