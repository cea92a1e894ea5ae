// Prefix sums of a distribution: how many values lie below a point, their sum and their sum of squares.
#pragma once

#include <cstddef>
#include <vector>

#include "distribution.h"

namespace halftone::observers {

struct Moments {
  double mass = 0, first = 0, second = 0;
};

// The squared distance to `to` of the mass between two points.
double squared_distance(const Moments &from, const Moments &until, double to);

// The values of each bin are spread evenly over it. Exact zeros lie in no bin and are left out.
class MomentTable {
 public:
  explicit MomentTable(const Distribution &distribution);

  // The number of edges that are at most x, looked for around `guess`: the nearer, the sooner found.
  std::size_t edges_until(double x, std::size_t guess) const;
  // Everything below x, which has `above` edges at or below it.
  Moments until(double x, std::size_t above) const;
  Moments until(double x) const { return until(x, edges_until(x, distribution_.edges.size() / 2)); }
  const Moments &all() const { return sums_.back(); }

 private:
  Distribution distribution_;
  std::vector<Moments> sums_;  // before each bin
};

}  // namespace halftone::observers
