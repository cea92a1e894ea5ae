#include <string>
#include <unordered_set>

#include "activation_peaks.h"
#include "clip_limits.h"
#include "halftone/calibration.h"
#include "halftone/pass.hpp"
#include "range_balance.h"

namespace halftone::passes {
namespace {

// Share of the numbers that lie above a limit; a bin that the limit cuts counts whole.
double share_above(const ht_statistics &seen, double limit) {
  if (static_cast<double>(seen.maximum) <= limit || seen.count == 0) return 0;
  if (seen.bin_count == 0) return 1;
  std::uint64_t above = 0;
  for (std::uint64_t i = 0; i < seen.bin_count; ++i) {
    if (seen.edges[i + 1] > limit) above += seen.counts[i];
  }
  return static_cast<double>(above) / static_cast<double>(seen.count);
}

}  // namespace

class CrossLayerEqualization final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("cross-layer-equalization")
        .title("equalizes weights across layers, through ReLU6 and other Clips too")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CALIBRATE | HT_CAP_EXECUTE)
        .after({HT_FACT_BATCH_NORM_FOLDED})
        .invalidates({HT_FACT_CONFIGS, HT_FACT_FUSED, HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED,
                      HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "The factors are those of layerwise-equalization, iterated until they settle. Unlike there a Clip between "
            "two layers need not end the chain:\n"
            "- `scale` gives every channel its own limit, Min with a stored [1, C, 1, 1] behind Relu: exactly the same "
            "function.\n"
            "- `replace` puts Relu in the place of a Clip from 0 that calibration data shows to cut nothing (or no "
            "more than `most_clipped`), or of every one with `force`, as the paper does for ReLU6.\n"
            "- `keep` leaves it; it ends the chain.\n"
            "- `auto` replaces where nothing is cut, scales where the platform then quantizes no less than before, and "
            "keeps otherwise.\n"
            "\n"
            "The float model computes the same up to rounding unless `force` or `most_clipped` allow a change. "
            "Calibration data is needed for `auto`, and for `replace` without `force`. bias-absorption is the paper's "
            "next step.\n"
            "\n"
            "Method: M. Nagel et al., Data-Free Quantization through Weight Equalization and Bias Correction, ICCV "
            "2019, sections 4.1 and 5.1.1. PPQ counterpart: none; its equalization stops at Clip.");
    d.params.choice("clip", "what becomes of Clip between layers", "auto", {"auto", "scale", "replace", "keep"})
        .flag("force", "with `replace`: without looking at data", false)
        .number("most_clipped", "share of the numbers that a Clip may cut and still be replaced", 0, 0, 1)
        .integer("iterations", "rounds over all layers at most", 50, 1, 1000)
        .integer("level", "1: chains of layers; 2: through residual sums and concatenations too", 1, 1, 2)
        .flag("include_activations", "ranges of what the next layers read count too; needs calibration data", false)
        .number("activation_multiplier", "of ranges of activations", 0.5, 0, 1e6)
        .number("tolerance", "ends when no factor of a round is further from 1 than this part", 1e-3, 0, 1)
        .number("least_factor", "the smallest factor of one round", 0.1, 1e-6, 1)
        .number("most_factor", "the largest factor of one round", 10, 1, 1e6);
  }
  explicit CrossLayerEqualization(const sdk::Args &args)
      : clip_(args.text("clip")),
        force_(args.flag("force")),
        most_clipped_(args.number("most_clipped")),
        sums_(args.integer("level") == 2),
        activations_(args.flag("include_activations")) {
    options_.activation_multiplier = args.number("activation_multiplier");
    options_.rounds = args.integer("iterations");
    options_.tolerance = args.number("tolerance");
    options_.least_factor = args.number("least_factor");
    options_.most_factor = args.number("most_factor");
    if (force_ && clip_ != "replace") {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "`force` is for `clip: replace`, not for `clip: " + clip_ + "`");
    }
  }

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    std::unordered_set<ht_handle> scaled;
    const std::size_t replaced = clip_ == "keep" ? 0 : settle_clips(ctx, graph, edit, scaled);
    ChannelClasses classes(ctx, graph, following([&](ht_handle node) { return scaled.contains(node); }));
    BalanceOptions options = options_;
    if (activations_) options.activation_peaks = activation_peaks(ctx, graph, classes, Activation::kRead);
    const Balance balance = balance_ranges(ctx, classes, options);
    classes.store(graph, edit, balance.total);
    std::size_t limited = 0;
    for (const SideConstant &clip : classes.clips) {
      bool changed = false;
      for (const std::uint32_t id : clip.classes) changed = changed || balance.total[id] != 1;
      if (!changed) continue;
      scale_limits(graph, edit, clip, balance.total);
      ++limited;
    }
    ctx.report("equalized", std::to_string(balance.channels) + " channels at " + std::to_string(balance.sites) +
                                " places, " + std::to_string(balance.rounds) + " rounds");
    if (replaced > 0) ctx.report("replaced", std::to_string(replaced) + " Clip by Relu");
    if (limited > 0) ctx.report("limits", std::to_string(limited) + " Clip by Min with a limit for each channel");
  }

 private:
  ClassOptions following(std::function<bool(ht_handle)> clips) const {
    ClassOptions options;
    options.sums = sums_;
    options.clips = std::move(clips);
    return options;
  }

  // Replaces what is to be replaced, and names the nodes whose limits may be scaled. Returns how many were replaced.
  std::size_t settle_clips(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::GraphEdit &edit,
                           std::unordered_set<ht_handle> &scaled) const {
    std::vector<ht_handle> found;
    {
      const ChannelClasses classes(
          ctx, graph, following([&](ht_handle node) { return read_limits(graph, graph.node(node)).has_value(); }));
      for (const SideConstant &clip : classes.clips) {
        bool free = false;
        for (const std::uint32_t id : clip.classes) free = free || !classes.is_frozen(id);
        if (free) found.push_back(clip.node);
      }
    }
    const std::unordered_set<ht_handle> unreached =
        clip_ == "scale" ? std::unordered_set<ht_handle>{} : not_reached(ctx, graph, found);
    for (const ht_handle node : found) {
      if (unreached.contains(node)) {
        replace_by_relu(graph, edit, node);
      } else if (clip_ == "scale" || (clip_ == "auto" && platform_takes_min(ctx, graph, edit, node))) {
        scaled.insert(node);
      }
    }
    return unreached.size();
  }

  // Those from 0 whose upper limit may go.
  std::unordered_set<ht_handle> not_reached(const sdk::Context &ctx, const sdk::Graph &graph,
                                            const std::vector<ht_handle> &clips) const {
    std::unordered_set<ht_handle> out;
    std::vector<ht_handle> asked;
    std::vector<ht_statistics_request> requests;
    for (const ht_handle clip : clips) {
      const sdk::Node node = graph.node(clip);
      const ClipLimits limits = *read_limits(graph, node);
      if (limits.low != 0.0) continue;
      if (force_ || !limits.high) {
        out.insert(clip);
        continue;
      }
      if (graph.value(node.input(0)).info.type.dtype == HT_F64) {
        throw sdk::Failure(HT_FAILED_PRECONDITION,
                           "its input is float64, and whether its limit is reached is only known of float32; give "
                           "`clip: keep`, `clip: scale` or `force: true`, or convert the model to float32",
                           clip);
      }
      ht_statistics_request request{};
      request.struct_size = sizeof(request);
      request.wants = HT_WANT_HISTOGRAM;
      request.value = node.input(0);
      request.channel_axis = 1;
      requests.push_back(request);
      asked.push_back(clip);
    }
    if (requests.empty()) return out;
    const ht_collect_options options = {sizeof(ht_collect_options), 0, 0, 0, 0, 0};
    sdk::check(ctx.host.calibration->collect(ctx.raw, requests.data(), requests.size(), &options));
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const ht_statistics *seen = nullptr;
      sdk::check(ctx.host.calibration->statistics(ctx.raw, requests[i].value, &seen));
      const double limit = *read_limits(graph, graph.node(asked[i]))->high;
      if (share_above(*seen, limit) <= most_clipped_) out.insert(asked[i]);
    }
    return out;
  }

  std::string clip_;
  bool force_;
  double most_clipped_;
  bool sums_, activations_;
  BalanceOptions options_;
};
HALFTONE_PASS(CrossLayerEqualization)

}  // namespace halftone::passes
