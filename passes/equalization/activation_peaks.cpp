#include "activation_peaks.h"

#include <algorithm>

#include "channel_ranges.h"

namespace halftone::passes {

std::vector<double> activation_peaks(const sdk::Context &ctx, const sdk::Graph &graph, const ChannelClasses &classes,
                                     Activation which) {
  std::vector<RangeRequest> requests;
  for (const ChannelSite &site : classes.sites) {
    for (const std::size_t i : which == Activation::kMade ? site.upstream : site.downstream) {
      const WeightedLayer &layer = classes.layers[i].layer;
      const ht_handle value =
          which == Activation::kMade ? classes.layers[i].output : graph.node(layer.node).input(layer.data_slot);
      requests.push_back({value, classes.labels(value)->axis});
    }
  }
  std::vector<double> peaks(classes.class_count(), 0.0);
  for (const auto &[value, range] : collect_ranges(ctx, requests)) {
    const std::vector<std::uint32_t> &ids = classes.labels(value)->ids;
    for (std::size_t c = 0; c < ids.size(); ++c) peaks[ids[c]] = std::max(peaks[ids[c]], range.peak(c));
  }
  return peaks;
}

}  // namespace halftone::passes
