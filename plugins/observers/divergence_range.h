// The range that loses least information, as the Kullback-Leibler divergence measures it.
#pragma once

#include "distribution.h"
#include "group_sums.h"

namespace halftone::observers {

// The divergence of clipping a linear histogram to some of its bins and quantizing these, from prefix sums.
class DivergenceTable {
 public:
  // The quantizer has `levels` equal steps.
  DivergenceTable(const LinearHistogram &histogram, std::size_t levels);
  DivergenceTable(const DivergenceTable &) = delete;
  DivergenceTable &operator=(const DivergenceTable &) = delete;

  // The divergence between the values, clipped to bins [first, last), and what the steps over these bins leave of them.
  // Exact zeros are an outcome of their own: every quantizer represents them exactly.
  double divergence(std::size_t first, std::size_t last);
  std::size_t bins() const { return bins_.size(); }
  std::size_t levels() const { return levels_; }

 private:
  // What a group at an end adds to the sum over groups by the outliers that clipping moves there.
  struct End {
    std::size_t from = 0, to = 0;  // the group's bins
    double below = 0, above = 0;   // outliers
    double log_kept = 0;           // the logarithm of all mass inside
  };
  double moved(const End &end) const;
  double below(std::size_t first) const { return below_ + counts_[first]; }
  double above(std::size_t last) const { return above_ + counts_.back() - counts_[last]; }

  std::size_t levels_;
  std::vector<double> bins_;
  std::vector<double> counts_, occupied_, information_;  // prefix sums of mass, non-empty bins and c * log(c)
  double zeros_ = 0, below_ = 0, above_ = 0, total_ = 0;
  GroupSums groups_;  // reads counts_ and occupied_
};

inline constexpr std::size_t kDivergenceBins = 4096;

// Symmetric: a limit on |x|, for 2^(bits - 1) steps. A range no better than the whole is not cut.
Range symmetric_divergence_range(const Distribution &distribution, unsigned bits);
// Both ends are searched, with 2^bits steps between them; the range contains 0.
Range asymmetric_divergence_range(const Distribution &distribution, unsigned bits);

}  // namespace halftone::observers
