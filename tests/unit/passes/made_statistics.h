// Statistics made from values in hand, with the log-linear bins that the kernel uses: each octave cut into equal bins.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "plugins/observers/distribution.h"

namespace halftone::observers {

class MadeStatistics {
 public:
  explicit MadeStatistics(std::vector<double> values, int bins_per_octave = 2048) : sorted(std::move(values)) {
    std::sort(sorted.begin(), sorted.end());
    std::map<std::pair<double, double>, std::uint64_t> bins;
    for (const double x : sorted) {
      if (x == 0) {
        ++zeros;
        continue;
      }
      int exponent = 0;
      std::frexp(x, &exponent);  // |x| lies in [2^(exponent - 1), 2^exponent)
      // The edge nearer to 0 belongs to a bin.
      const double width = std::ldexp(1.0, exponent - 1) / bins_per_octave;
      const double size = std::floor(std::abs(x) / width) * width, low = x < 0 ? -(size + width) : size;
      ++bins[{low, low + width}];
    }
    for (const auto &[bin, count] : bins) {
      if (!edges.empty() && edges.back() < bin.first) counts.push_back(0);
      if (edges.empty() || edges.back() < bin.first) edges.push_back(bin.first);
      edges.push_back(bin.second);
      counts.push_back(count);
    }
  }
  Distribution distribution() const {
    Distribution d;
    if (!counts.empty()) {
      d.edges = edges;
      d.counts = counts;
    }
    d.zeros = zeros;
    d.minimum = sorted.empty() ? 0 : sorted.front();
    d.maximum = sorted.empty() ? 0 : sorted.back();
    return d;
  }
  ht_statistics statistics() const {
    ht_statistics s{};
    s.struct_size = sizeof(s);
    s.count = sorted.size();
    s.zero_count = zeros;
    s.minimum = sorted.empty() ? 0 : static_cast<float>(sorted.front());
    s.maximum = sorted.empty() ? 0 : static_cast<float>(sorted.back());
    s.bin_count = counts.size();
    s.edges = edges.data();
    s.counts = counts.data();
    return s;
  }

  std::vector<double> sorted;
  std::vector<double> edges;
  std::vector<std::uint64_t> counts;
  std::uint64_t zeros = 0;
};

inline std::vector<double> gaussian(std::size_t count, double deviation, unsigned seed = 1) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, deviation);
  std::vector<double> values(count);
  for (double &x : values) x = static_cast<double>(static_cast<float>(normal(random)));
  return values;
}

inline std::vector<double> laplace(std::size_t count, double scale, unsigned seed = 2) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> size(1 / scale);
  std::vector<double> values(count);
  for (double &x : values)
    x = static_cast<double>(static_cast<float>((random() & 1) != 0 ? size(random) : -size(random)));
  return values;
}

inline std::vector<double> rectified(std::vector<double> values) {
  for (double &x : values) x = std::max(x, 0.0);
  return values;
}

}  // namespace halftone::observers
