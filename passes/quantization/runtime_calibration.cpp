#include <optional>
#include <string>
#include <unordered_map>

#include "quantization_points.h"

namespace halftone::passes {

class RuntimeCalibration final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("runtime-calibration")
        .title("finds the scales of activations from calibration data")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_CONFIG_READ | HT_CAP_CONFIG_EDIT | HT_CAP_CALIBRATE)
        .after({HT_FACT_CONFIGS})
        .provides({HT_FACT_ACTIVATIONS_CALIBRATED})
        .invalidates({HT_FACT_PASSIVE_RESOLVED})
        .doc(
            "Statistics of every value that has a quantization point of its own are gathered in one pass over the "
            "calibration data, "
            "each value once. Then the observers turn them into ranges, tensor by tensor. Points that are fused away "
            "or borrow "
            "their scale need no statistics. A value of which no sample produced an element stays in float.\n"
            "\n"
            "By default the data runs through the float model. PPQ calibrates with quantized weights; `calibrate_on: "
            "quantized_weights` does so too, which moves scales by 0.03 to 0.5 % on a small residual network. `group` "
            "forms groups "
            "of consecutive samples for observers that average over groups (percentile).\n"
            "\n"
            "PPQ counterpart: RuntimeCalibrationPass.");
    d.params.text("observer", "observer for all activations; absent: the platform's choice")
        .flag("override", "find scales anew that were found before", false)
        .integer("group", "samples in a group; 0: no groups", 0, 0, 1 << 20, "samples")
        .choice("calibrate_on", "what the data runs through", "float_weights", {"float_weights", "quantized_weights"})
        .advanced();
  }
  explicit RuntimeCalibration(const sdk::Args &args)
      : override_(args.flag("override")),
        group_(static_cast<std::uint64_t>(args.integer("group"))),
        quantized_weights_(args.text("calibrate_on") == "quantized_weights") {
    if (args.has("observer")) observer_ = args.text("observer");
  }

  void run(const sdk::Context &ctx) override {
    const QuantizationPoints points(ctx);
    const std::vector<Target> targets = find_targets(points);
    const std::size_t never_seen = targets.empty() ? 0 : calibrate(ctx, points, targets);
    ctx.report("calibrated", std::to_string(targets.size() - never_seen) + " activations");
    if (never_seen > 0) {
      ctx.report("left in float", std::to_string(never_seen) + " activations that no calibration sample produced");
    }
  }

 private:
  struct Target {
    ht_handle config = HT_NONE;
    ht_handle value = HT_NONE;
  };

  // The number of values without an element to calibrate on: they have no range, and need none.
  std::size_t calibrate(const sdk::Context &ctx, const QuantizationPoints &points, const std::vector<Target> &targets) {
    collect(ctx, points, targets);
    std::vector<ht_handle> configs;
    for (const Target &target : targets) configs.push_back(target.config);
    std::vector<std::uint32_t> rendered(configs.size());
    sdk::check(ctx.host.calibration->render_all(ctx.raw, configs.data(), configs.size(), observer(), rendered.data()));
    std::size_t never_seen = 0;
    for (std::size_t i = 0; i < configs.size(); ++i) {
      if (rendered[i] != 0) continue;
      ++never_seen;
      points.configs.set_state(configs[i], HT_STATE_FP32, "no calibration sample produced an element of it");
    }
    return never_seen;
  }

  // Null when the platform's observer is to be used. The text lives as long as this pass.
  const ht_str *observer() {
    if (!observer_) return nullptr;
    observer_name_ = sdk::view(std::string_view(*observer_));
    return &observer_name_;
  }

  std::vector<Target> find_targets(const QuantizationPoints &points) const {
    std::vector<Target> targets;
    for (const ht_handle config : points.configs.all()) {
      const ht_config_info info = points.configs.info(config);
      const bool reopened = override_ && info.state == HT_STATE_ACTIVATED;
      if (info.state != HT_STATE_INITIAL && !reopened) continue;
      const ht_handle value = points.value_of(info);
      if (value == HT_NONE || points.graph.value(value).is_initializer()) continue;
      if (reopened) points.configs.set_state(config, HT_STATE_INITIAL, "calibrated anew");
      targets.push_back({config, value});
    }
    return targets;
  }

  void collect(const sdk::Context &ctx, const QuantizationPoints &points, const std::vector<Target> &targets) {
    std::vector<ht_statistics_request> requests;
    std::unordered_map<ht_handle, std::size_t> by_value;
    for (const Target &target : targets) {
      std::uint32_t wants = 0;
      sdk::check(ctx.host.calibration->wants(ctx.raw, target.config, observer(), &wants));
      if (group_ == 0) wants &= ~HT_WANT_GROUPS;
      const auto [at, is_new] = by_value.try_emplace(target.value, requests.size());
      if (is_new) {
        ht_statistics_request request{};
        request.struct_size = sizeof(request);
        request.value = target.value;
        request.channel_axis = 1;
        requests.push_back(request);
      }
      ht_statistics_request &request = requests[at->second];
      const ht_quant_spec spec = points.configs.info(target.config).spec;
      constexpr std::uint32_t kPerChannel = HT_WANT_CHANNEL_RANGE | HT_WANT_CHANNEL_MOMENTS;
      if ((wants & kPerChannel) != 0 && spec.granularity != HT_PER_TENSOR) {
        const auto axis = static_cast<std::uint32_t>(spec.axis);
        if ((request.wants & kPerChannel) != 0 && request.channel_axis != axis) {
          throw sdk::Failure(HT_UNIMPLEMENTED, "two configs want different channel axes of one value", target.config);
        }
        request.channel_axis = axis;
      }
      request.wants |= wants;
    }
    ht_collect_options options{};
    options.struct_size = sizeof(options);
    options.quantized_weights = quantized_weights_ ? 1 : 0;
    options.group = group_;
    sdk::check(ctx.host.calibration->collect(ctx.raw, requests.data(), requests.size(), &options));
  }

  std::optional<std::string> observer_;
  ht_str observer_name_{};
  bool override_;
  std::uint64_t group_;
  bool quantized_weights_;
};
HALFTONE_PASS(RuntimeCalibration)

}  // namespace halftone::passes
