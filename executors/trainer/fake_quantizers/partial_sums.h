// Sums whose order depends on nothing but the shape of the data.
//
// A run of neighbours that share a scale is cut into blocks of sixteen; element i of the run is added to partial sum
// i % 16, in double, and at the end the sixteen are added in pairs. Where runs are shorter than eight elements (of
// channels-last data they are one element long) every place of a row of all groups has a sum of its own over the rows.
#pragma once

#include <cstddef>
#include <vector>

#include "../fake_quantizer.h"

namespace halftone::trainer {

inline constexpr std::size_t kBlock = 16;
inline constexpr std::size_t kShortRun = 8;

inline double add_pairwise(const double *partial) {
  double level[kBlock / 2];
  for (std::size_t k = 0; k < kBlock / 2; ++k) level[k] = partial[k] + partial[k + kBlock / 2];
  for (std::size_t width = kBlock / 4; width > 0; width /= 2) {
    for (std::size_t k = 0; k < width; ++k) level[k] += level[k + width];
  }
  return level[0];
}

// The same data as long runs: neighbours of one group where there is only one.
inline Grouping merged(Grouping g) {
  return g.groups == 1 ? Grouping{1, 1, g.size()} : g;
}

inline bool is_by_row(Grouping g) {
  return g.groups > 1 && g.inner < kShortRun;
}

// The partial sums of one kind of gradient.
class PartialSums {
 public:
  explicit PartialSums(Grouping g)
      : grouping_(g), sums_((is_by_row(g) ? g.groups * g.inner : g.groups * kBlock) + kBlock, 0.0) {}
  // By row: the sum of a place of the row; padded to whole blocks. Else: the sixteen of a group.
  double *data() { return sums_.data(); }
  double *of_group(std::size_t group) { return sums_.data() + group * kBlock; }
  double total(std::size_t group) const {
    if (!is_by_row(grouping_)) return add_pairwise(sums_.data() + group * kBlock);
    double sum = 0;
    for (std::size_t i = 0; i < grouping_.inner; ++i) sum += sums_[group * grouping_.inner + i];
    return sum;
  }

 private:
  Grouping grouping_;
  std::vector<double> sums_;
};

// One value per group as one per element of a row of all groups, padded with `padding` to whole blocks.
inline std::vector<float> by_place(const float *values, Grouping g, float padding) {
  std::vector<float> out(g.groups * g.inner + kBlock, padding);
  for (std::size_t group = 0; group < g.groups; ++group) {
    for (std::size_t i = 0; i < g.inner; ++i) out[group * g.inner + i] = values[group];
  }
  return out;
}

}  // namespace halftone::trainer
