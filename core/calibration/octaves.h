// The counts of the log-linear histogram, which accumulator.h describes.
//
// An octave is the set of floats with one exponent field (subnormals are the octave of field 0, cut linearly like the
// others). With `top` the octave of the largest |x| seen, octaves top - 3 .. top have 2048 bins, top - 15 .. top - 4
// have 256, and everything below is one bin. Bins are cut by the leading bits of |x|, so a coarse bin is exactly eight
// fine ones, and counts for any top follow from counts for a smaller one.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/calibration/sweep.h"

namespace halftone::calibration {

class Octaves {
 public:
  static constexpr std::int32_t kFineOctaves = 4, kCoarseOctaves = 12;
  static constexpr std::int32_t kFineBins = 2048, kCoarseBins = 256;
  static constexpr std::uint64_t kNarrowValues = 0x7FFFFFFF;  // up to so many that are not zero, counters take 32 bits
  static constexpr std::uint32_t kBins = 1 + kCoarseOctaves * kCoarseBins + kFineOctaves * kFineBins;  // of one sign

  // The half-open interval of bits of |x| that a bin holds. Empty for bins below the smallest float.
  struct Interval {
    std::uint32_t first = 0, end = 0;
  };

  // Counts the values except the zeros, and returns their extent. Stops, with counts that have no meaning, where values
  // are not finite.
  Extent count(const float *values, std::size_t count);
  void add(const Octaves &other);

  bool empty() const noexcept { return top_ < 0; }
  std::int32_t top() const noexcept { return top_; }
  std::uint64_t at(bool negative, std::uint32_t bin) const noexcept;
  // Of all bins of one sign: 90 KB, meant for the stack, whose pages need not be mapped again for each histogram.
  using Half = std::array<std::uint64_t, kBins>;
  void read(bool negative, Half &counts) const;
  Interval interval(std::uint32_t bin) const noexcept {
    const BinMap m = map();
    const auto b = static_cast<std::int32_t>(bin);
    const bool fine = b >= kFirstFine;
    const int shift = fine ? BinMap::kFineShift : BinMap::kCoarseShift;
    const std::int32_t key = b - (fine ? m.fine_offset : m.coarse_offset);
    const auto bits = [&](std::int32_t k) { return static_cast<std::uint32_t>(std::max(k, 0)) << shift; };
    return {b == 0 ? 0 : bits(key), bits(key + 1)};
  }
  std::uint32_t bin_of(std::uint32_t bits) const noexcept;  // bits of |x|

  // For reading a stored histogram back: the top first, then counts.
  void raise(std::int32_t top);
  void put(bool negative, std::uint32_t bin, std::uint64_t count);

  std::size_t bytes() const noexcept;  // memory held
  friend bool operator==(const Octaves &a, const Octaves &b);

 private:
  static constexpr std::int32_t kFirstFine = 1 + kCoarseOctaves * kCoarseBins;

  BinMap map() const noexcept {
    // By multiplication, as the first octave may lie below the smallest exponent.
    return {kFirstFine - (top_ - kFineOctaves + 1) * kFineBins,
            1 - (top_ - kFineOctaves - kCoarseOctaves + 1) * kCoarseBins};
  }
  std::size_t slot(bool negative, std::uint32_t bin) const noexcept { return bin + (negative ? kBins : 0); }
  void reserve(bool negative);
  void make_room(std::uint64_t count);
  void spill();
  void assign(bool negative, const Half &counts);
  void add_in_place(const Octaves &other);
  template <class Self, class Body>
  static void with_upper(Self &self, const Body &body);

  std::int32_t top_ = -1;      // exponent field of the largest |x|; -1 before the first
  bool negative_ = false;      // whether there are counts below zero; ReLU's output needs none
  bool wide_ = false;          // whether the upper parts have 64 bits
  std::uint64_t counted_ = 0;  // bounds every counter
  std::uint32_t room_ = 0;     // values that may be counted before a lower part could overflow
  // Slots as scan_slots() numbers them: positive bins, negative bins. A counter is upper * 2^15 + lower. Counting only
  // touches the lower parts, so that the counters of a network's values stay in the caches; spill() carries before 16
  // bits can overflow.
  std::vector<std::uint16_t> lower_, upper_;
  std::vector<std::uint64_t> wide_upper_;  // instead of upper_ beyond kNarrowValues
};

}  // namespace halftone::calibration
