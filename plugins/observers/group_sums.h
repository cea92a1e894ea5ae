// Sums over the groups into which equal steps cut a stretch of bins, without a look at each group.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace halftone::observers {

// The steps cut n bins into groups of n / levels bins, some of them one bin wider. Along groups of one width a prefix
// sum tells what a run of them adds up to, so that a stretch costs time in the number of runs: the groups of the rarer
// width, at most half of the levels and none when they divide n. The prefix sums of a width are made when it is first
// met, as far as they are needed, and serve all stretches of a histogram.
class GroupSums {
 public:
  // Prefix sums over the bins, one entry more than bins: of mass, and of bins that are not empty.
  GroupSums(std::span<const double> mass, std::span<const double> occupied, std::size_t levels)
      : mass_(mass), occupied_(occupied), levels_(levels), widths_(mass.size() / levels + 2) {}

  // The sum of m * log(m / b) over the groups of bins [first, last), with m the mass and b the bins of a group that are
  // not empty; group i ends at first + (last - first) * (i + 1) / levels.
  double sum(std::size_t first, std::size_t last);

 private:
  // Entry i: groups that end at i, i - width, i - 2 * width and so on. Good up to entry `until`.
  const double *of_width(std::size_t width, std::size_t until);

  std::span<const double> mass_, occupied_;
  std::size_t levels_;
  std::vector<std::vector<double>> widths_;
};

}  // namespace halftone::observers
