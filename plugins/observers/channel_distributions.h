// What each channel of a tensor, or each block of a parameter, looks like: for searches that give one range to each.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "distribution.h"

namespace halftone::observers {

// Gathered in a second pass, when the extremes of the channels are known: 2048 equal bins between them, 16 KB a
// channel; or, of channels that have no more elements than that, the elements themselves. Adding and merging give the
// same in any order.
class ChannelDistributions {
 public:
  // The statistics have ranges of channels.
  explicit ChannelDistributions(const ht_statistics &statistics);

  // Throws std::invalid_argument when the axis or the number of channels is not that of the statistics.
  void add(std::span<const float> values, std::span<const std::int64_t> shape, std::size_t axis);
  void merge(const ChannelDistributions &other);

  std::size_t channels() const { return low_.size(); }
  // Calls take(distribution) with that of a channel.
  template <class Take>
  auto visit(std::size_t channel, const Take &take) const {
    const Bins bins = bins_of(channel);
    Distribution d;
    d.edges = bins.edges;
    d.counts = bins.counts;
    d.zeros = zeros_[channel];
    d.minimum = static_cast<double>(low_[channel]);
    d.maximum = static_cast<double>(high_[channel]);
    return take(d);
  }

 private:
  struct Bins {
    std::vector<double> edges;
    std::vector<std::uint64_t> counts;
  };
  Bins bins_of(std::size_t channel) const;
  void put(std::size_t channel, float x);

  bool whole_;  // keeps the elements
  std::vector<float> low_, high_;
  std::vector<std::uint64_t> zeros_;
  std::vector<std::uint64_t> counts_;       // of all bins of all channels
  std::vector<std::vector<float>> values_;  // of each channel, zeros left out
};

}  // namespace halftone::observers
