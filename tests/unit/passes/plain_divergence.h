// The divergence by its definition, element by element.
#pragma once

#include <cmath>
#include <vector>

#include "plugins/observers/distribution.h"

namespace halftone::observers {

inline double plain_divergence(const LinearHistogram &h, std::size_t first, std::size_t last, std::size_t levels) {
  std::vector<double> p(h.counts.begin() + static_cast<std::ptrdiff_t>(first),
                        h.counts.begin() + static_cast<std::ptrdiff_t>(last));
  const std::vector<double> kept = p;
  double below = h.below, above = h.above, total = h.zeros, kept_total = h.zeros;
  for (std::size_t i = 0; i < first; ++i) below += h.counts[i];
  for (std::size_t i = last; i < h.counts.size(); ++i) above += h.counts[i];
  p.front() += below;
  p.back() += above;
  for (const double c : p) total += c;
  for (const double c : kept) kept_total += c;
  double sum = h.zeros > 0 ? h.zeros / total * std::log((h.zeros / total) / (h.zeros / kept_total)) : 0;
  for (std::size_t level = 0; level < levels; ++level) {
    const std::size_t from = p.size() * level / levels, to = p.size() * (level + 1) / levels;
    double mass = 0, occupied = 0;
    for (std::size_t i = from; i < to; ++i) mass += kept[i], occupied += p[i] > 0 ? 1 : 0;
    for (std::size_t i = from; i < to; ++i) {
      const double q = mass > 0 ? mass / occupied / kept_total : 1e-30;
      if (p[i] > 0) sum += p[i] / total * std::log(p[i] / total / q);
    }
  }
  return sum;
}

}  // namespace halftone::observers
