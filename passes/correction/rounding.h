// Rounding of a weight's rows to a grid with the least error of what they give, w X, for given second moments of X.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "weight_grid.h"

namespace halftone::passes {

struct RoundingChoices {
  double damping = 0.01;      // added to the diagonal for rounding, as a part of its mean
  double ridge = 1;           // the same for fitted()
  bool fits = false;          // fitted() will be called
  bool by_activation = true;  // columns with the largest moments first
  std::size_t block = 128;    // columns whose updates of the rest are made at once
  std::size_t sweeps = 4;     // of coordinate descent afterwards
};

// e^T H e of each row e of `columns` numbers, row-major; of H the lower triangle is given, column-major.
std::vector<double> moment_errors(std::span<const double> gram, std::size_t columns,
                                  std::span<const double> differences);

// What is left of a row's error, e^T H e with e the difference from its target, summed up over rows.
struct RoundingGain {
  double plain = 0, tuned = 0;
};

// The moments of one group, factorised once for all of its rows. `gram` is columns x columns, its lower triangle in
// column-major order, in any unit.
class SecondOrderRounding {
 public:
  SecondOrderRounding(std::span<const double> gram, std::size_t columns, const RoundingChoices &choices);
  ~SecondOrderRounding();
  SecondOrderRounding(const SecondOrderRounding &) = delete;
  SecondOrderRounding &operator=(const SecondOrderRounding &) = delete;

  // Codes of the rows, row-major. The values of `rows` are what is to be met. No row is left with a larger error than
  // that of rounding each value to the nearest code.
  std::vector<float> round(const WeightRows &rows, RoundingGain &gain) const;

  // The rows that give Y from X best: (cross + d W) (gram + d)^-1, with `cross` = Y X^T, outputs x columns, in
  // column-major order, and d the ridge; `first` is the first of these rows among the outputs.
  std::vector<double> fitted(const WeightRows &rows, std::span<const double> cross, std::size_t outputs,
                             std::size_t first) const;

 private:
  struct Factors;
  std::unique_ptr<Factors> factors_;
  RoundingChoices choices_;
};

}  // namespace halftone::passes
