// A histogram of one tensor's values whose size does not depend on how many there are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "distribution.h"

namespace halftone::observers {

// 64 bins in each of the 24 octaves below the largest magnitude, for each sign; what is still smaller is one bin around
// zero, and exact zeros are counted apart. Adding and merging are exact.
class MagnitudeHistogram {
 public:
  // `largest`: no value has a larger magnitude.
  explicit MagnitudeHistogram(float largest);

  void add(std::span<const float> values);
  void merge(const MagnitudeHistogram &other);
  void clear();
  bool empty() const { return count_ == 0; }
  // Borrows from this.
  Distribution distribution() const;

 private:
  std::size_t bin_of(float x) const;
  int top_;  // every magnitude is below 2^top_
  std::vector<double> edges_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0, zeros_ = 0;
  float minimum_ = 0, maximum_ = 0;
};

}  // namespace halftone::observers
