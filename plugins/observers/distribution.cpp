#include "distribution.h"

#include <algorithm>
#include <cmath>

namespace halftone::observers {
namespace {

class Filler {
 public:
  Filler(double low, double high, std::size_t bins) {
    h_.low = low;
    h_.width = (high - low) / static_cast<double>(bins);
    h_.counts.assign(bins, 0.0);
  }
  // `mass` spread evenly over [from, to]. A source bin no wider than a target bin keeps its mass together, so that
  // narrow bins do not smear over a border.
  void add(double from, double to, double mass) {
    const double first = position(from), last = position(to);
    if (last - first <= 1.0) {
      put(std::floor((first + last) / 2), mass);
      return;
    }
    const double per_bin = mass / (last - first);
    double at = first;
    if (at < 0) {
      h_.below += per_bin * (std::min(last, 0.0) - at);
      at = std::min(last, 0.0);
    }
    const auto end = static_cast<double>(h_.counts.size());
    while (at < last && at < end) {
      const double next = std::min(last, std::floor(at) + 1.0);
      h_.counts[static_cast<std::size_t>(at)] += per_bin * (next - at);
      at = next;
    }
    if (at < last) h_.above += per_bin * (last - at);
  }
  LinearHistogram take(std::uint64_t zeros) {
    h_.zeros = static_cast<double>(zeros);
    return std::move(h_);
  }

 private:
  double position(double x) const { return (x - h_.low) / h_.width; }
  void put(double bin, double mass) {
    // A value on the upper limit itself belongs to the last bin.
    const auto count = static_cast<double>(h_.counts.size());
    if (bin < 0) {
      h_.below += mass;
    } else if (bin >= count) {
      (bin == count ? h_.counts.back() : h_.above) += mass;
    } else {
      h_.counts[static_cast<std::size_t>(bin)] += mass;
    }
  }
  LinearHistogram h_;
};

}  // namespace

double Distribution::absolute_maximum() const {
  return std::max(std::abs(minimum), std::abs(maximum));
}

std::uint64_t Distribution::total() const {
  std::uint64_t sum = zeros;
  for (const std::uint64_t c : counts) sum += c;
  return sum;
}

Distribution distribution_of(const ht_statistics &statistics) {
  Distribution d;
  if (statistics.bin_count > 0) {
    d.edges = {statistics.edges, static_cast<std::size_t>(statistics.bin_count) + 1};
    d.counts = {statistics.counts, static_cast<std::size_t>(statistics.bin_count)};
  }
  d.zeros = statistics.zero_count;
  d.minimum = static_cast<double>(statistics.minimum);
  d.maximum = static_cast<double>(statistics.maximum);
  return d;
}

LinearHistogram linear_histogram(const Distribution &distribution, double low, double high, std::size_t bins) {
  Filler filler(low, high, bins);
  for (std::size_t i = 0; i < distribution.counts.size(); ++i) {
    if (distribution.counts[i] == 0) continue;
    filler.add(distribution.lower(i), distribution.upper(i), static_cast<double>(distribution.counts[i]));
  }
  return filler.take(distribution.zeros);
}

LinearHistogram absolute_histogram(const Distribution &distribution, double high, std::size_t bins) {
  Filler filler(0, high, bins);
  for (std::size_t i = 0; i < distribution.counts.size(); ++i) {
    if (distribution.counts[i] == 0) continue;
    const double a = std::abs(distribution.lower(i)), b = std::abs(distribution.upper(i));
    filler.add(std::min(a, b), std::max(a, b), static_cast<double>(distribution.counts[i]));
  }
  return filler.take(distribution.zeros);
}

}  // namespace halftone::observers
