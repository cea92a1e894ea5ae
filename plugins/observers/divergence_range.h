// The range that loses least information, as the Kullback-Leibler divergence measures it.
#pragma once

#include "distribution.h"

namespace halftone::observers {

// Prefix sums over a linear histogram, so that the divergence of one candidate costs time in the number of levels, not
// of bins.
class DivergenceTable {
 public:
  explicit DivergenceTable(const LinearHistogram &histogram);

  // The divergence between the values, clipped to bins [first, last), and what `levels` equal steps over these bins
  // leave of them. Exact zeros are an outcome of their own: every quantizer represents them exactly.
  double divergence(std::size_t first, std::size_t last, std::size_t levels) const;
  std::size_t bins() const { return counts_.size() - 1; }

 private:
  struct Group {
    double kept = 0;      // mass inside the clipping range
    double clipped = 0;   // the same with the outliers that clipping moved here
    double occupied = 0;  // bins that are not empty
  };
  Group group(std::size_t from, std::size_t to, std::size_t first, std::size_t last) const;
  double below(std::size_t first) const { return below_ + counts_[first]; }
  double above(std::size_t last) const { return above_ + counts_.back() - counts_[last]; }
  double bin(std::size_t i) const { return bins_[i]; }

  std::vector<double> bins_;
  std::vector<double> counts_, occupied_, information_;  // prefix sums of mass, non-empty bins and c * log(c)
  double zeros_ = 0, below_ = 0, above_ = 0;
};

inline constexpr std::size_t kDivergenceBins = 4096;

// Symmetric: a limit on |x|, for 2^(bits - 1) steps. A range no better than the whole is not cut.
Range symmetric_divergence_range(const Distribution &distribution, unsigned bits);
// Both ends are searched, with 2^bits steps between them; the range contains 0.
Range asymmetric_divergence_range(const Distribution &distribution, unsigned bits);

}  // namespace halftone::observers
