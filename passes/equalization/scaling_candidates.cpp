#include "scaling_candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace halftone::passes {
namespace {

void raise(std::vector<double> &ranges, const std::vector<std::uint32_t> &ids, const std::vector<double> &peaks) {
  for (std::size_t i = 0; i < ids.size(); ++i) ranges[ids[i]] = std::max(ranges[ids[i]], peaks[i]);
}

double largest(const std::vector<double> &ranges, const std::vector<std::uint32_t> &ids) {
  double most = 0;
  for (const std::uint32_t id : ids) most = std::max(most, ranges[id]);
  return most;
}

// The largest range over each, none of them taken smaller than `ratio` of the largest.
double headroom(double range, double most, double ratio) {
  return most / std::max(range, ratio * most);
}

}  // namespace

void measure_site(const ChannelClasses &classes, const ChannelSite &site, const std::vector<double> &activation_peaks,
                  std::span<const double> total, SiteRanges &ranges) {
  ranges.ids.clear();
  for (const std::size_t i : site.downstream) {
    const std::vector<std::uint32_t> &in = classes.layers[i].in;
    ranges.ids.insert(ranges.ids.end(), in.begin(), in.end());
  }
  std::sort(ranges.ids.begin(), ranges.ids.end());
  ranges.ids.erase(std::unique(ranges.ids.begin(), ranges.ids.end()), ranges.ids.end());
  for (const std::uint32_t id : ranges.ids) {
    ranges.made[id] = ranges.read[id] = 0;
    ranges.activation[id] = activation_peaks[id] * total[id];
  }
  for (const std::size_t i : site.upstream) {
    raise(ranges.made, classes.layers[i].out, classes.layers[i].layer.output_peaks());
  }
  for (const std::size_t i : site.downstream) {
    raise(ranges.read, classes.layers[i].in, classes.layers[i].layer.input_peaks());
  }
}

void set_candidate(const ChannelClasses &classes, const SiteRanges &ranges, std::size_t which,
                   const ScalingOptions &options, std::vector<double> &factors) {
  for (const std::uint32_t id : ranges.ids) factors[id] = 1;
  const double made = largest(ranges.made, ranges.ids), read = largest(ranges.read, ranges.ids);
  const double activation = largest(ranges.activation, ranges.ids);
  if (!(made > 0) || !(read > 0) || !(activation > 0)) return;
  const auto fixed = [&](std::uint32_t id) {
    return classes.is_frozen(id) || !(ranges.made[id] > 0) || !(ranges.read[id] > 0);
  };
  const bool all_free = std::none_of(ranges.ids.begin(), ranges.ids.end(), fixed);
  const double whole = options.layer_norm && all_free ? std::sqrt(read / made) : 1;
  double least = std::numeric_limits<double>::infinity();
  for (const std::uint32_t id : ranges.ids) {
    if (fixed(id)) continue;
    const double k = headroom(ranges.made[id], made, options.channel_ratio);
    const double n = headroom(ranges.read[id], read, options.channel_ratio);
    const double a = headroom(ranges.activation[id], activation, std::max(options.channel_ratio, 1e-3));
    double &factor = factors[id];
    if (which == 0) factor = std::clamp(std::sqrt(ranges.read[id] / ranges.made[id]) / whole, 0.1, 10.0);
    if (which == 1) factor = std::min(k, a);
    if (which == 2) factor = std::min({k / n, a / n, 8.0});
    if (which == 3) factor = std::clamp(std::sqrt(a * std::sqrt(k / n)), 1.0, 2.0);
    least = std::min(least, factor);
  }
  for (const std::uint32_t id : ranges.ids) {
    if (fixed(id)) continue;
    if (which == 2) factors[id] = std::clamp(factors[id] / least, 1.0, 2.0);
    factors[id] *= whole;
  }
}

}  // namespace halftone::passes
