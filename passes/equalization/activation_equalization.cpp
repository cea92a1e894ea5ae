#include <algorithm>
#include <cmath>
#include <string>

#include "activation_peaks.h"
#include "halftone/pass.hpp"
#include "layer_names.h"
#include "least_error_ranges.h"

namespace halftone::passes {

class ActivationEqualization final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("activation-equalization")
        .title("evens out the ranges of activations, channel by channel")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CALIBRATE | HT_CAP_EXECUTE)
        .invalidates(
            {HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED, HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "Channels whose activations are larger than `threshold` times the mean over the channels are made smaller "
            "by `step` in each round, and those that are smaller than the mean over `threshold` larger; the layers "
            "that read them undo it, so the float model computes the same. With one scale for all channels of an "
            "activation the small ones then keep more of their bits.\n"
            "\n"
            "Calibration data gives the ranges before the first round. Later rounds know them without running the "
            "data again, because a channel's range is exactly proportional to its factor; `refresh` runs it all the "
            "same in every round.\n"
            "\n"
            "`method: direct` does without rounds: each channel is multiplied by (r / r_c) ^ strength, where r_c is "
            "its range and r the largest of them. With strength 1 all channels fill the common range, which leaves "
            "activations the least error, and weights more than before. `range: least_error` takes for r_c not the "
            "largest magnitude but the range that a grid of `bits` bits for this channel alone would have, so that a "
            "channel with rare large values does not count as a wide one; it costs a second pass over the data.\n"
            "\n"
            "PPQ counterpart: ActivationEqualizationPass, which overwrites its threshold with the mean and never "
            "refreshes what it measured.");
    d.params.number("threshold", "how far from the mean a channel may be, as a ratio", 4, 1, 1e6)
        .number("step", "factor of one round", 1.1, 1.0001, 10)
        .integer("iterations", "rounds", 10, 1, 1000)
        .integer("level", "1: chains of layers; 2: through residual sums and concatenations too", 1, 1, 2)
        .choice("method", "how channels are brought together", "steps", {"steps", "direct"})
        .number("strength", "with `direct`: 0 leaves channels as they are, 1 gives all the same range", 1, 0, 1)
        .number("most_factor", "with `direct`: the largest factor", 1000, 1, 1e6)
        .choice("range", "what counts as the range of a channel", "largest", {"largest", "least_error"})
        .integer("bits", "with `least_error`: of the activations", 8, 2, 16, "bits")
        .flag("refresh", "run the calibration data in every round", false)
        .texts("layers", "names or patterns of layers; channels that none of them makes keep their scale", {});
  }
  explicit ActivationEqualization(const sdk::Args &args)
      : threshold_(args.number("threshold")),
        step_(args.number("step")),
        iterations_(args.integer("iterations")),
        sums_(args.integer("level") == 2),
        direct_(args.text("method") == "direct"),
        strength_(args.number("strength")),
        most_factor_(args.number("most_factor")),
        least_error_(args.text("range") == "least_error"),
        bits_(static_cast<int>(args.integer("bits"))),
        refresh_(args.flag("refresh")),
        names_(args.texts("layers")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    names_.require_matches(graph);
    std::size_t channels = 0;
    if (refresh_ && !direct_) {
      for (std::int64_t i = 0; i < iterations_; ++i) channels = std::max(channels, equalize(ctx, graph, edit, 1));
    } else {
      channels = equalize(ctx, graph, edit, iterations_);
    }
    ctx.report("equalized", std::to_string(channels) + " channels");
  }

 private:
  // Runs the data once; returns how many channels were scaled.
  std::size_t equalize(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::GraphEdit &edit,
                       std::int64_t rounds) const {
    ClassOptions follow;
    follow.sums = sums_;
    ChannelClasses classes(ctx, graph, follow);
    std::vector<double> ranges = activation_peaks(ctx, graph, classes, Activation::kRead);
    if (least_error_) ranges = least_error_ranges(ctx, graph, classes, ranges, {bits_, 0.5});
    // No two sites have a class in common, so that one list serves them all.
    std::vector<double> factors(classes.class_count(), 1.0);
    for (const ChannelSite &site : classes.sites) {
      const bool selected = std::any_of(site.upstream.begin(), site.upstream.end(),
                                        [&](std::size_t i) { return names_.selects(classes.layers[i].layer.name); });
      if (!selected) continue;
      const std::vector<std::uint32_t> ids = channels_of(classes, site);
      if (direct_) {
        even_out(classes, ids, ranges, factors);
      } else {
        for (std::int64_t i = 0; i < rounds; ++i) {
          if (!round(classes, ids, ranges, factors)) break;
        }
      }
      classes.scale(site, factors);
    }
    classes.store(graph, edit, factors);
    return static_cast<std::size_t>(std::count_if(factors.begin(), factors.end(), [](double f) { return f != 1; }));
  }

  static std::vector<std::uint32_t> channels_of(const ChannelClasses &classes, const ChannelSite &site) {
    std::vector<std::uint32_t> ids;
    for (const std::size_t i : site.downstream)
      ids.insert(ids.end(), classes.layers[i].in.begin(), classes.layers[i].in.end());
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
  }

  void even_out(const ChannelClasses &classes, const std::vector<std::uint32_t> &ids, std::vector<double> &ranges,
                std::vector<double> &factors) const {
    double widest = 0;
    for (const std::uint32_t id : ids) widest = std::max(widest, ranges[id]);
    for (const std::uint32_t id : ids) {
      if (classes.is_frozen(id) || !(ranges[id] > 0)) continue;
      factors[id] = std::min(std::pow(widest / ranges[id], strength_), most_factor_);
      ranges[id] *= factors[id];
    }
  }

  // False when all channels are within the threshold.
  bool round(const ChannelClasses &classes, const std::vector<std::uint32_t> &ids, std::vector<double> &ranges,
             std::vector<double> &factors) const {
    double mean = 0;
    for (const std::uint32_t id : ids) mean += ranges[id] / static_cast<double>(ids.size());
    bool changed = false;
    for (const std::uint32_t id : ids) {
      if (classes.is_frozen(id) || !(ranges[id] > 0)) continue;
      const bool large = ranges[id] > mean * threshold_, small = ranges[id] < mean / threshold_;
      if (!large && !small) continue;
      const double factor = large ? 1 / step_ : step_;
      ranges[id] *= factor;
      factors[id] *= factor;
      changed = true;
    }
    return changed;
  }

  double threshold_, step_;
  std::int64_t iterations_;
  bool sums_, direct_;
  double strength_, most_factor_;
  bool least_error_;
  int bits_;
  bool refresh_;
  LayerNames names_;
};
HALFTONE_PASS(ActivationEqualization)

}  // namespace halftone::passes
