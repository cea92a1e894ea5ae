#include <algorithm>
#include <cmath>
#include <string>

#include "channel_copies.h"
#include "halftone/pass.hpp"
#include "layer_names.h"

namespace halftone::passes {
namespace {

struct Peaks {
  std::vector<double> made, read;  // by channel
};

Peaks peaks_of(const ChannelClasses &classes, const ChannelSite &site, std::size_t channels) {
  Peaks peaks{std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  const auto raise = [](std::vector<double> &into, const std::vector<double> &values) {
    for (std::size_t c = 0; c < values.size(); ++c) into[c] = std::max(into[c], values[c]);
  };
  for (const std::size_t i : site.upstream) raise(peaks.made, classes.layers[i].layer.output_peaks());
  for (const std::size_t i : site.downstream) raise(peaks.read, classes.layers[i].layer.input_peaks());
  return peaks;
}

}  // namespace

class ChannelwiseSplit final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("channelwise-split")
        .title("splits channels with large weights into two smaller ones")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT)
        .invalidates(
            {HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED, HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "A channel between two layers is made twice and read twice, so that the two products add up to what was "
            "there. Fewer outliers are left to stretch the scale of a weight; the layers get a little wider. The float "
            "model computes the same.\n"
            "\n"
            "`threshold`: channels whose weights reach `value_threshold` on both sides become two, each of them times "
            "1/sqrt(2) on both sides. PPQ's rule.\n"
            "`outlier`: the part `expansion` of the channels is added, one at a time: of the channel with the largest "
            "weight where it is read, the weights w become (w - d/2)/2 and (w + d/2)/2, where d is the step of `bits` "
            "bits. Rounded, the two then add up to w rounded once.\n"
            "\n"
            "Grouped and depthwise convolutions, Concat, reshaping and constants for each channel end a place. It "
            "finds more after equalization with PPQ's rule and less with the other.\n"
            "\n"
            "Methods: R. Zhao et al., Improving Neural Network Quantization without Retraining using Outlier Channel "
            "Splitting, ICML 2019; PPQ counterpart: ChannelwiseSplitPass.");
    d.params.choice("method", "which channels are split, and how", "outlier", {"outlier", "threshold"})
        .number("expansion", "`outlier`: channels added, as a part of those that there are", 0.05, 0, 1)
        .integer("bits", "`outlier`: of the weights that the step is taken from; 0: plain halves", 8, 0, 16)
        .number("value_threshold", "`threshold`: weights on both sides must reach it", 2, 0, 1e6)
        .integer("iterations", "`threshold`: rounds", 1, 1, 16)
        .integer("level", "1: chains of layers; 2: through residual sums too", 2, 1, 2)
        .texts("layers", "names or patterns of layers whose outputs may be split; all when empty", {});
  }
  explicit ChannelwiseSplit(const sdk::Args &args)
      : outliers_(args.text("method") == "outlier"),
        expansion_(args.number("expansion")),
        bits_(args.integer("bits")),
        threshold_(args.number("value_threshold")),
        iterations_(args.integer("iterations")),
        sums_(args.integer("level") == 2),
        names_(args.texts("layers")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    names_.require_matches(graph);
    ClassOptions follow;
    follow.sums = sums_;
    ChannelClasses classes(ctx, graph, follow);
    std::size_t added = 0, places = 0;
    for (std::size_t i = 0; i < classes.sites.size(); ++i) {
      ctx.poll(i, classes.sites.size());
      const ChannelSite &site = classes.sites[i];
      const auto path = is_selected(classes, site) ? open_path(graph, classes, site) : std::nullopt;
      if (!path) continue;
      const std::size_t before = classes.layers[site.upstream.front()].layer.outputs;
      outliers_ ? split_outliers(classes, site) : split_large(classes, site);
      const std::size_t after = classes.layers[site.upstream.front()].layer.outputs;
      if (after == before) continue;
      store_copies(graph, edit, classes, site, *path, after);
      added += after - before;
      ++places;
    }
    ctx.report("added", std::to_string(added) + " channels at " + std::to_string(places) + " places");
  }

 private:
  bool is_selected(const ChannelClasses &classes, const ChannelSite &site) const {
    return std::any_of(site.upstream.begin(), site.upstream.end(),
                       [&](std::size_t i) { return names_.selects(classes.layers[i].layer.name); });
  }

  void split_large(ChannelClasses &classes, const ChannelSite &site) const {
    for (std::int64_t round = 0; round < iterations_; ++round) {
      const std::size_t channels = classes.layers[site.upstream.front()].layer.outputs;
      const Peaks peaks = peaks_of(classes, site, channels);
      std::vector<ChannelCopy> copies;
      for (std::size_t c = 0; c < channels; ++c) copies.push_back({c, 1, 1, 0});
      for (std::size_t c = 0; c < channels; ++c) {
        if (peaks.made[c] < threshold_ || peaks.read[c] < threshold_) continue;
        copies[c] = {c, std::sqrt(0.5), std::sqrt(0.5), 0};
        copies.push_back(copies[c]);
      }
      if (copies.size() == channels) return;
      copy_channels(classes, site, copies);
    }
  }

  void split_outliers(ChannelClasses &classes, const ChannelSite &site) const {
    const std::size_t channels = classes.layers[site.upstream.front()].layer.outputs;
    std::vector<double> largest = peaks_of(classes, site, channels).read;
    const auto more = static_cast<std::size_t>(std::ceil(expansion_ * static_cast<double>(channels)));
    std::vector<std::size_t> split;  // in the order in which they are
    for (std::size_t i = 0; i < more; ++i) {
      const auto at = static_cast<std::size_t>(std::max_element(largest.begin(), largest.end()) - largest.begin());
      if (!(largest[at] > 0)) break;
      split.push_back(at);
      largest[at] /= 2;
      largest.push_back(largest[at]);
    }
    if (split.empty()) return;
    const double codes = std::exp2(static_cast<double>(bits_ - 1)) - 1;
    const double step = bits_ < 2 ? 0 : *std::max_element(largest.begin(), largest.end()) / codes;
    std::vector<ChannelCopy> copies;
    for (std::size_t c = 0; c < channels; ++c) copies.push_back({c, 1, 1, 0});
    for (const std::size_t at : split) {
      ChannelCopy &lower = copies[at];
      lower.read /= 2;
      lower.added /= 2;
      ChannelCopy upper = lower;
      lower.added -= step / 4;
      upper.added += step / 4;
      copies.push_back(upper);
    }
    copy_channels(classes, site, copies);
  }

  bool outliers_;
  double expansion_;
  std::int64_t bits_;
  double threshold_;
  std::int64_t iterations_;
  bool sums_;
  LayerNames names_;
};
HALFTONE_PASS(ChannelwiseSplit)

}  // namespace halftone::passes
