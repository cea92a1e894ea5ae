// The counts of the log-linear histogram, which accumulator.h describes.
//
// An octave is the set of floats with one exponent field (subnormals are the octave of field 0, cut linearly like the
// others). With `top` the octave of the largest |x| seen, octaves top - 3 .. top have 2048 bins, top - 15 .. top - 4
// have 256, and everything below is one bin. Bins are cut by the leading bits of |x|, so a coarse bin is exactly eight
// fine ones, and counts for any top follow from counts for a smaller one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/calibration/sweep.h"

namespace halftone::calibration {

class Octaves {
 public:
  static constexpr std::int32_t kFineOctaves = 4, kCoarseOctaves = 12;
  static constexpr std::int32_t kFineBins = 2048, kCoarseBins = 256;
  static constexpr std::uint32_t kBins = 1 + kCoarseOctaves * kCoarseBins + kFineOctaves * kFineBins;  // of one sign

  // The half-open interval of bits of |x| that a bin holds. Empty for bins below the smallest float.
  struct Interval {
    std::uint32_t first = 0, end = 0;
  };

  // Counts values whose extent is `extent` (all finite, not all zero), except the zeros.
  void count(const float *values, std::size_t count, const Extent &extent);
  void add(const Octaves &other);

  bool empty() const noexcept { return top_ < 0; }
  std::int32_t top() const noexcept { return top_; }
  std::uint64_t at(bool negative, std::uint32_t bin) const noexcept;
  Interval interval(std::uint32_t bin) const noexcept;
  std::uint32_t bin_of(std::uint32_t bits) const noexcept;  // bits of |x|

  // For reading a stored histogram back: the top first, then counts.
  void raise(std::int32_t top);
  void put(bool negative, std::uint32_t bin, std::uint64_t count);

  std::size_t bytes() const noexcept;  // memory held
  friend bool operator==(const Octaves &a, const Octaves &b);

 private:
  BinMap map() const noexcept;
  std::size_t slot(bool negative, std::uint32_t bin) const noexcept;
  void reserve(bool negative);
  void make_room(std::uint64_t count);
  template <class Counts>
  void remap(Counts &counts, const Octaves &finer) const;

  std::int32_t top_ = -1;      // exponent field of the largest |x|; -1 before the first
  bool negative_ = false;      // whether there are counts below zero; ReLU's output needs none
  std::uint64_t counted_ = 0;  // bounds every counter
  // Slots as find_slots() numbers them: sink, positive bins, negative bins. 32 bits until they could overflow.
  std::vector<std::uint32_t> narrow_;
  std::vector<std::uint64_t> wide_;
};

}  // namespace halftone::calibration
