#include "channel_distributions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace halftone::observers {
namespace {

constexpr std::size_t kBins = 2048;

double step_of(float low, float high) {
  return (static_cast<double>(high) - static_cast<double>(low)) / static_cast<double>(kBins);
}

}  // namespace

ChannelDistributions::ChannelDistributions(const ht_statistics &statistics)
    : whole_(statistics.channel_elements <= kBins),
      low_(statistics.channel_minimum, statistics.channel_minimum + statistics.channel_count),
      high_(statistics.channel_maximum, statistics.channel_maximum + statistics.channel_count),
      zeros_(low_.size(), 0) {
  if (whole_) {
    values_.resize(low_.size());
  } else {
    counts_.assign(low_.size() * kBins, 0);
  }
}

void ChannelDistributions::put(std::size_t channel, float x) {
  if (x == 0) {
    ++zeros_[channel];
  } else if (whole_) {
    values_[channel].push_back(x);
  } else {
    const double step = step_of(low_[channel], high_[channel]);
    const double at = step > 0 ? (static_cast<double>(x) - static_cast<double>(low_[channel])) / step : 0;
    ++counts_[channel * kBins + std::min(static_cast<std::size_t>(at), kBins - 1)];
  }
}

void ChannelDistributions::add(std::span<const float> values, std::span<const std::int64_t> shape, std::size_t axis) {
  if (axis >= shape.size() || static_cast<std::size_t>(shape[axis]) != channels()) {
    throw std::invalid_argument("a tensor without the " + std::to_string(channels()) + " channels of its statistics");
  }
  std::size_t inner = 1;
  for (std::size_t k = axis + 1; k < shape.size(); ++k) inner *= static_cast<std::size_t>(shape[k]);
  std::size_t channel = 0;
  for (std::size_t i = 0; i < values.size(); i += inner) {
    for (std::size_t k = 0; k < inner; ++k) put(channel, values[i + k]);
    if (++channel == channels()) channel = 0;
  }
}

void ChannelDistributions::merge(const ChannelDistributions &other) {
  for (std::size_t c = 0; c < zeros_.size(); ++c) zeros_[c] += other.zeros_[c];
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  for (std::size_t c = 0; c < values_.size(); ++c) {
    values_[c].insert(values_[c].end(), other.values_[c].begin(), other.values_[c].end());
  }
}

ChannelDistributions::Bins ChannelDistributions::bins_of(std::size_t channel) const {
  Bins bins;
  if (!whole_) {
    const double step = step_of(low_[channel], high_[channel]), low = static_cast<double>(low_[channel]);
    for (std::size_t i = 0; i < kBins; ++i) bins.edges.push_back(low + step * static_cast<double>(i));
    bins.edges.push_back(static_cast<double>(high_[channel]));
    const std::uint64_t *counts = counts_.data() + channel * kBins;
    bins.counts.assign(counts, counts + kBins);
    return bins;
  }
  // One bin for each value, no wider than the way to the next float, and empty ones between them.
  std::vector<float> sorted = values_[channel];
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size();) {
    const float x = sorted[i], after = std::nextafter(x, std::numeric_limits<float>::infinity());
    std::uint64_t count = 0;
    for (; i < sorted.size() && sorted[i] == x; ++i) ++count;
    if (bins.edges.empty()) {
      bins.edges.push_back(static_cast<double>(x));
    } else if (bins.edges.back() < static_cast<double>(x)) {
      bins.edges.push_back(static_cast<double>(x));
      bins.counts.push_back(0);
    }
    bins.edges.push_back(static_cast<double>(after));
    bins.counts.push_back(count);
  }
  return bins;
}

}  // namespace halftone::observers
