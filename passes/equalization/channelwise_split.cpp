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
            "1/sqrt(2) on both sides. PPQ's rule. With a low threshold each of the `iterations` would double the "
            "layer: "
            "`most_expansion` bounds what all of them add to a place; the channels whose weights are largest come "
            "first, "
            "and the report says how many were left.\n"
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
        .number("most_expansion", "`threshold`: channels added at most, as a part of those that there were", 1, 0, 16)
        .integer("level", "1: chains of layers; 2: through residual sums too", 2, 1, 2)
        .texts("layers", "names or patterns of layers whose outputs may be split; all when empty", {});
  }
  explicit ChannelwiseSplit(const sdk::Args &args)
      : outliers_(args.text("method") == "outlier"),
        expansion_(args.number("expansion")),
        bits_(args.integer("bits")),
        threshold_(args.number("value_threshold")),
        iterations_(args.integer("iterations")),
        most_expansion_(args.number("most_expansion")),
        sums_(args.integer("level") == 2),
        names_(args.texts("layers")) {}

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    names_.require_matches(graph);
    ClassOptions follow;
    follow.sums = sums_;
    ChannelClasses classes(ctx, graph, follow);
    std::size_t added = 0, places = 0, left = 0;
    for (std::size_t i = 0; i < classes.sites.size(); ++i) {
      ctx.poll(i, classes.sites.size());
      const ChannelSite &site = classes.sites[i];
      const auto path = is_selected(classes, site) ? open_path(graph, classes, site) : std::nullopt;
      if (!path) continue;
      const std::size_t before = classes.layers[site.upstream.front()].layer.outputs;
      if (outliers_) {
        split_outliers(classes, site);
      } else {
        left += split_large(classes, site);
      }
      const std::size_t after = classes.layers[site.upstream.front()].layer.outputs;
      if (after == before) continue;
      store_copies(graph, edit, classes, site, *path, after);
      added += after - before;
      ++places;
    }
    ctx.report("added", std::to_string(added) + " channels at " + std::to_string(places) + " places");
    if (left > 0)
      ctx.report("left", std::to_string(left) + " channels that reach the threshold; `most_expansion` allows no more");
  }

 private:
  bool is_selected(const ChannelClasses &classes, const ChannelSite &site) const {
    return std::any_of(site.upstream.begin(), site.upstream.end(),
                       [&](std::size_t i) { return names_.selects(classes.layers[i].layer.name); });
  }

  // Returns how many channels were left because of `most_expansion`.
  std::size_t split_large(ChannelClasses &classes, const ChannelSite &site) const {
    const std::size_t before = classes.layers[site.upstream.front()].layer.outputs;
    const auto most = before + static_cast<std::size_t>(most_expansion_ * static_cast<double>(before));
    for (std::int64_t round = 0; round < iterations_; ++round) {
      const std::size_t channels = classes.layers[site.upstream.front()].layer.outputs;
      const Peaks peaks = peaks_of(classes, site, channels);
      std::vector<std::size_t> large = large_channels(peaks);
      const std::size_t left = large.size() - std::min(large.size(), most - channels);
      large.resize(large.size() - left);
      std::sort(large.begin(), large.end());
      std::vector<ChannelCopy> copies;
      for (std::size_t c = 0; c < channels; ++c) copies.push_back({c, 1, 1, 0});
      for (const std::size_t c : large) {
        copies[c] = {c, std::sqrt(0.5), std::sqrt(0.5), 0};
        copies.push_back(copies[c]);
      }
      if (!large.empty()) copy_channels(classes, site, copies);
      if (large.empty() || left > 0) return left;
    }
    return 0;
  }

  // Those that reach the threshold, the largest first. A channel without weights has nothing to split.
  std::vector<std::size_t> large_channels(const Peaks &peaks) const {
    std::vector<std::size_t> large;
    const auto size = [&](std::size_t c) { return std::min(peaks.made[c], peaks.read[c]); };
    for (std::size_t c = 0; c < peaks.made.size(); ++c) {
      if (size(c) >= threshold_ && size(c) > 0) large.push_back(c);
    }
    std::stable_sort(large.begin(), large.end(), [&](std::size_t a, std::size_t b) { return size(a) > size(b); });
    return large;
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
  double most_expansion_;
  bool sums_;
  LayerNames names_;
};
HALFTONE_PASS(ChannelwiseSplit)

}  // namespace halftone::passes
