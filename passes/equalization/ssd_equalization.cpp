#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>

#include "clip_limits.h"
#include "halftone/config.hpp"
#include "halftone/pass.hpp"
#include "layer_names.h"
#include "scaling_candidates.h"
#include "site_error.h"

namespace halftone::passes {

class SsdEqualization final : public sdk::Pass {
 public:
  static void describe(sdk::Description &d) {
    d.id("ssd-equalization")
        .title("scales channels between layers where that lowers the error expected of quantization")
        .capabilities(HT_CAP_GRAPH_READ | HT_CAP_GRAPH_EDIT | HT_CAP_CONFIG_READ | HT_CAP_EXECUTE)
        .invalidates(
            {HT_FACT_PARAMETERS_QUANTIZED, HT_FACT_ACTIVATIONS_CALIBRATED, HT_FACT_PASSIVE_RESOLVED, HT_FACT_BAKED})
        .doc(
            "For each place where channels may be scaled (see layerwise-equalization) four scalings are tried: weights "
            "balanced on both sides; every channel raised as far as its weight and its activation have room below the "
            "largest; the same, less the more the channel's reading weights stick out, by at most 2; and a mean of all "
            "three, by at most 2. The one with the least error is kept when that error is below `loss_threshold` "
            "times the error without it.\n"
            "\n"
            "The error is that of the outputs of the layers that read the channels, relative to these outputs, and is "
            "estimated from one pass of samples through the float network: weights are rounded as the platform will "
            "round them, activations at about 512 positions of each value; errors about their mean count as "
            "independent, their means add up. Later rounds need no data, because channels are proportional to their "
            "factors. An observer that cuts ranges is stood for by the best of six cuts.\n"
            "\n"
            "The float model computes the same, up to rounding. Needs calibration samples.\n"
            "\n"
            "PPQ counterpart: SSDEqualizationPass, which calibrates and runs each pair for each candidate and takes "
            "the weight for `layer_norm` from the wrong layer.");
    d.params.integer("level", "1: chains of layers; 2: through residual sums and concatenations too", 1, 1, 2)
        .choice("clip",
                "Clip between layers, such as ReLU6: it ends the chain, or gets a limit for each channel where the "
                "platform takes Min (before configs are assigned only)",
                "keep", {"keep", "scale"})
        .number("channel_ratio", "ranges of channels are not taken smaller than this part of the largest", 0.5, 0, 1)
        .number("loss_threshold", "the largest ratio of the error after to the error before", 0.8, 0, 1)
        .flag("layer_norm", "brings the largest weights on both sides of a place to one size first", false)
        .integer("iterations", "rounds over all places at most; ends early when a round keeps nothing", 3, 1, 1000)
        .integer("samples", "calibration samples used; 0: all", 64, 0, 1 << 24, "samples")
        .texts("layers", "names or patterns of layers; channels that none of them makes keep their scale", {});
  }
  explicit SsdEqualization(const sdk::Args &args)
      : sums_(args.integer("level") == 2),
        clips_(args.text("clip") == "scale"),
        threshold_(args.number("loss_threshold")),
        iterations_(args.integer("iterations")),
        samples_(static_cast<std::uint64_t>(args.integer("samples"))),
        names_(args.texts("layers")) {
    options_.channel_ratio = args.number("channel_ratio");
    options_.layer_norm = args.flag("layer_norm");
  }

  void run(const sdk::Context &ctx) override {
    const sdk::Graph graph(ctx);
    const sdk::GraphEdit edit(ctx);
    names_.require_matches(graph);
    ClassOptions follow;
    follow.sums = sums_;
    if (clips_) {
      follow.clips = [&](ht_handle node) {
        return read_limits(graph, graph.node(node)).has_value() && platform_takes_min(ctx, graph, edit, node);
      };
    }
    ChannelClasses classes(ctx, graph, follow);
    const std::vector<std::size_t> wanted = wanted_sites(classes);
    const ChannelSamples samples = sample_channels(ctx, requests_of(graph, classes, wanted), samples_);
    SiteError error(classes, views_of(ctx, graph, classes, samples));
    Outcome outcome;
    outcome.total.assign(classes.class_count(), 1.0);
    Search search(classes.class_count(), peaks_of(graph, classes, wanted, samples));
    for (std::int64_t round = 0; round < iterations_; ++round) {
      bool any = false;
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        ctx.poll(i, wanted.size());
        if (error.knows(classes.sites[wanted[i]])) any = improve(classes, wanted[i], error, search, outcome) || any;
      }
      if (!any) break;
    }
    classes.store(graph, edit, outcome.total);
    if (const std::size_t limited = scale_clips(ctx, graph, edit, classes, outcome.total); limited > 0)
      ctx.report("limits", std::to_string(limited) + " Clip by Min with a limit for each channel");
    tell(ctx, outcome, wanted.size());
  }

 private:
  struct Outcome {
    std::vector<double> total;
    std::set<std::size_t> sites;
    std::array<std::size_t, kScalings.size()> kept{};
    double log_gain = 0;  // of the errors of all that was kept
  };

  // What the search at a site writes to, for all classes of the graph: made once, because there may be many sites.
  struct Search {
    std::vector<double> peaks, factors, ones;
    SiteRanges ranges;
    Search(std::size_t classes, std::vector<double> activation_peaks)
        : peaks(std::move(activation_peaks)), factors(classes, 1.0), ones(classes, 1.0), ranges(classes) {}
  };

  std::vector<std::size_t> wanted_sites(const ChannelClasses &classes) const {
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < classes.sites.size(); ++i) {
      const ChannelSite &site = classes.sites[i];
      const bool named = std::any_of(site.upstream.begin(), site.upstream.end(),
                                     [&](std::size_t u) { return names_.selects(classes.layers[u].layer.name); });
      if (named) wanted.push_back(i);
    }
    return wanted;
  }

  static SampleRequest request_of(const sdk::Graph &graph, const WeightedLayer &layer) {
    const auto axis = static_cast<std::int64_t>(layer.input_axis);
    return {graph.node(layer.node).input(layer.data_slot), layer.axes_from_last ? -1 - axis : axis, layer.inputs};
  }

  static std::vector<SampleRequest> requests_of(const sdk::Graph &graph, const ChannelClasses &classes,
                                                const std::vector<std::size_t> &wanted) {
    std::vector<SampleRequest> requests;
    for (const std::size_t i : wanted) {
      for (const std::size_t l : classes.sites[i].upstream)
        requests.push_back(request_of(graph, classes.layers[l].layer));
      for (const std::size_t l : classes.sites[i].downstream)
        requests.push_back(request_of(graph, classes.layers[l].layer));
    }
    return requests;
  }

  static std::vector<LayerView> views_of(const sdk::Context &ctx, const sdk::Graph &graph,
                                         const ChannelClasses &classes, const ChannelSamples &samples) {
    std::vector<LayerView> views;
    for (const LayerChannels &channels : classes.layers) {
      const WeightedLayer &layer = channels.layer;
      const SampleRequest request = request_of(graph, layer);
      const auto seen = samples.find({request.value, request.axis});
      views.push_back({expected_grid(ctx, layer.node, layer.data_slot, false),
                       expected_grid(ctx, layer.node, layer.weight_slot, true),
                       seen == samples.end() ? nullptr : &seen->second});
    }
    return views;
  }

  static std::vector<double> peaks_of(const sdk::Graph &graph, const ChannelClasses &classes,
                                      const std::vector<std::size_t> &wanted, const ChannelSamples &samples) {
    std::vector<double> peaks(classes.class_count(), 0.0);
    for (const std::size_t i : wanted) {
      for (const std::size_t l : classes.sites[i].downstream) {
        const LayerChannels &channels = classes.layers[l];
        const SampleRequest request = request_of(graph, channels.layer);
        const ChannelSample &seen = samples.at({request.value, request.axis});
        for (std::size_t c = 0; c < seen.low.size(); ++c) {
          double &peak = peaks[channels.in[c]];
          peak = std::max({peak, std::abs(seen.low[c]), std::abs(seen.high[c])});
        }
      }
    }
    return peaks;
  }

  // Scales the site by the best of the candidates if that is good enough.
  bool improve(ChannelClasses &classes, std::size_t number, SiteError &error, Search &search, Outcome &outcome) const {
    const ChannelSite &site = classes.sites[number];
    measure_site(classes, site, search.peaks, outcome.total, search.ranges);
    const double before = error.of(site, outcome.total, search.ones);
    double least = threshold_ * before;
    std::size_t which = kScalings.size();
    for (std::size_t i = 0; i < kScalings.size(); ++i) {
      set_candidate(classes, search.ranges, i, options_, search.factors);
      const double after = error.of(site, outcome.total, search.factors);
      if (after < least) least = after, which = i;
    }
    if (which == kScalings.size()) return false;
    set_candidate(classes, search.ranges, which, options_, search.factors);
    classes.scale(site, search.factors);
    for (const std::uint32_t id : search.ranges.ids) outcome.total[id] *= search.factors[id];
    outcome.sites.insert(number);
    ++outcome.kept[which];
    outcome.log_gain += std::log(std::max(least, 1e-300) / before);
    return true;
  }

  static std::size_t scale_clips(const sdk::Context &ctx, const sdk::Graph &graph, const sdk::GraphEdit &edit,
                                 const ChannelClasses &classes, const std::vector<double> &total) {
    std::size_t limited = 0;
    for (const SideConstant &clip : classes.clips) {
      const bool changed =
          std::any_of(clip.classes.begin(), clip.classes.end(), [&](std::uint32_t id) { return total[id] != 1; });
      if (!changed) continue;
      if (sdk::Configs(ctx).input(clip.node, 0) != HT_NONE) {
        throw sdk::Failure(
            HT_FAILED_PRECONDITION,
            "`clip: scale` puts other operators in the place of this one, which has its configs already; "
            "put ssd-equalization before assign-configs",
            clip.node);
      }
      scale_limits(graph, edit, clip, total);
      ++limited;
    }
    return limited;
  }

  static void tell(const sdk::Context &ctx, const Outcome &outcome, std::size_t places) {
    std::size_t channels = 0, kept = 0;
    std::string which;
    for (const double factor : outcome.total) channels += factor != 1 ? 1 : 0;
    for (std::size_t i = 0; i < kScalings.size(); ++i) {
      kept += outcome.kept[i];
      if (outcome.kept[i] == 0) continue;
      which += (which.empty() ? "" : ", ") + std::to_string(outcome.kept[i]) + " " + std::string(kScalings[i]);
    }
    ctx.report("equalized", std::to_string(channels) + " channels at " + std::to_string(outcome.sites.size()) + " of " +
                                std::to_string(places) + " places");
    if (kept == 0) return;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3f",
                  std::exp(outcome.log_gain / static_cast<double>(outcome.sites.size())));
    ctx.report("scalings", which);
    ctx.report("expected error", std::string(text.data()) + " of that before, on average over these places");
  }

  bool sums_, clips_;
  double threshold_;
  std::int64_t iterations_;
  std::uint64_t samples_;
  LayerNames names_;
  ScalingOptions options_;
};
HALFTONE_PASS(SsdEqualization)

}  // namespace halftone::passes
