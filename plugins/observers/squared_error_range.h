// The range with the least expected squared error of quantization, rounding and clipping together.
#pragma once

#include "distribution.h"
#include "halftone/quant.h"

namespace halftone::observers {

// The values that a quantizer can represent: scale * k for k in [first, last].
struct Grid {
  double scale = 1;
  std::int64_t first = 0;
  std::int64_t last = 0;
};
// The grid that the host makes of a range under an integer spec.
Grid grid_for(const ht_quant_spec &spec, Range range);

// Moments of the distribution up to a point, with the values of each bin spread evenly over it.
class SquaredErrorTable {
 public:
  // `clip_weight` is what the error of a value outside the grid counts, relative to one inside.
  explicit SquaredErrorTable(const Distribution &distribution, double clip_weight = 1);
  // Mean of (x - nearest grid value)^2 over all elements, with that weight.
  double error(const Grid &grid) const;

 private:
  struct Moments {
    double mass = 0, first = 0, second = 0;
  };
  // The number of edges that are at most x, when `from` of them are known to be.
  std::size_t edges_until(double x, std::size_t from) const;
  // Everything below x, which has `above` edges at or below it.
  Moments until(double x, std::size_t above) const;
  // The squared distance to `to` of the mass between two points.
  static double around(const Moments &from, const Moments &until, double to);

  Distribution distribution_;
  double clip_weight_ = 1;
  std::vector<Moments> sums_;  // before each bin
  double total_ = 0;
};

// More than a hundred candidates, coarse ones over 16 octaves and fine ones around the best.
Range squared_error_range(const Distribution &distribution, const ht_quant_spec &spec, double clip_weight = 1);

}  // namespace halftone::observers
