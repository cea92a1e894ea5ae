// The range with the least expected squared error of quantization, rounding and clipping together.
#pragma once

#include <limits>

#include "distribution.h"
#include "halftone/quant.h"
#include "moments.h"

namespace halftone::observers {

// The values that a quantizer can represent: scale * k for k in [first, last].
struct Grid {
  double scale = 1;
  std::int64_t first = 0;
  std::int64_t last = 0;
};
// The grid that the host makes of a range under an integer spec.
Grid grid_for(const ht_quant_spec &spec, Range range);

// The squared error that a grid leaves, from prefix sums of the distribution.
class SquaredErrorTable {
 public:
  // `clip_weight` is what the error of a value outside the grid counts, relative to one inside.
  explicit SquaredErrorTable(const Distribution &distribution, double clip_weight = 1);
  // Mean of (x - nearest grid value)^2 over all elements, with that weight. Where it is more than `enough`, any number
  // above that may be returned instead, as soon as it is known.
  double error(const Grid &grid, double enough = std::numeric_limits<double>::infinity()) const;

 private:
  // What lies inside the grid: up to its ends, and the number of edges below the lower one.
  struct Inside {
    Moments begin, end;
    std::size_t edges = 0;
  };
  // `sum` and the error of rounding; given up beyond `enough`.
  double with_rounding(double sum, const Grid &grid, const Inside &inside, double enough) const;

  MomentTable moments_;
  double clip_weight_ = 1;
  double total_ = 0;
};

// More than a hundred candidates, coarse ones over 16 octaves and fine ones around the best.
Range squared_error_range(const Distribution &distribution, const ht_quant_spec &spec, double clip_weight = 1);

}  // namespace halftone::observers
