// Moments of the values of one scale, for the initialisation of learned scales.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "../fake_quantizer.h"

namespace halftone::trainer {

struct GroupStatistics {
  double mean = 0, mean_size = 0, deviation = 0;  // of |x|: mean_size; deviation: the population's
  double least = 0, most = 0;
};

// Calls visit(x) with the values of a group in the order of memory.
template <class Visit>
void each_of_group(std::span<const float> values, Grouping g, std::size_t group, const Visit &visit) {
  for (std::size_t o = 0; o < g.outer; ++o) {
    const float *run = values.data() + (o * g.groups + group) * g.inner;
    for (std::size_t i = 0; i < g.inner; ++i) visit(static_cast<double>(run[i]));
  }
}

inline GroupStatistics statistics_of_group(std::span<const float> values, Grouping g, std::size_t group) {
  GroupStatistics s;
  const auto count = static_cast<double>(g.outer * g.inner);
  bool first = true;
  each_of_group(values, g, group, [&](double x) {
    s.mean += x / count;
    s.mean_size += std::fabs(x) / count;
    s.least = first ? x : std::min(s.least, x);
    s.most = first ? x : std::max(s.most, x);
    first = false;
  });
  double squares = 0;
  each_of_group(values, g, group, [&](double x) { squares += (x - s.mean) * (x - s.mean); });
  s.deviation = std::sqrt(squares / count);
  return s;
}

}  // namespace halftone::trainer
