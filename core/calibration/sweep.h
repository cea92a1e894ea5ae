// The loops over values behind the statistics: vector code chosen for the processor at run time, and in `plain` its
// definition, which tests compare it with bit for bit.
//
// Nothing here depends on how values are grouped into calls, except where a `phase` says so.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace halftone::calibration {

// What a stretch of values contains.
struct Extent {
  float minimum = std::numeric_limits<float>::infinity();
  float maximum = -std::numeric_limits<float>::infinity();
  std::uint32_t largest_bits = 0;  // of |x|; 0x7F800000 and above when a value is infinite or NaN
  std::uint64_t zeros = 0;         // of either sign

  bool finite() const noexcept { return largest_bits < 0x7F800000U; }
  void join(const Extent &other) noexcept {
    minimum = std::min(minimum, other.minimum);
    maximum = std::max(maximum, other.maximum);
    largest_bits = std::max(largest_bits, other.largest_bits);
    zeros += other.zeros;
  }
};

// How a value's bits become the number of its bin. With a the bits of |x|, the bin is
// max(0, (a >> 12) + fine_offset, (a >> 15) + coarse_offset): the two agree where the fine octaves begin, and above it
// the fine one is larger, below it the coarse one, as it falls an eighth as fast. octaves.h chooses the offsets.
struct BinMap {
  static constexpr int kFineShift = 12;    // keeps the exponent and 11 bits of the mantissa
  static constexpr int kCoarseShift = 15;  // keeps the exponent and 8 bits
  std::int32_t fine_offset = 0, coarse_offset = 0;
};

// Slots behind the last one that scan_slots() may overwrite: it stores whole vectors, of which only the first lanes
// count.
inline constexpr std::size_t kSlotMargin = 64;

// Partial sums of a channel: term j goes to partial sum j mod 8, each in order; fold() adds the eight in a fixed tree.
// Eight is what the widest vectors hold; the order is the same in every layout and on every processor.
inline constexpr std::size_t kPartialSums = 8;

// Fewer than 2^31 values. For values that are not all finite only largest_bits has a meaning. Where zeros of both signs
// occur, the sign of a zero minimum or maximum is not defined.
Extent scan(const float *values, std::size_t count);

// Scans, and writes the slots of the values that are not zero, in their order: the bin for positive values, that plus
// negative_offset for negative ones. There are count - zeros of them; `slots` has room for count + kSlotMargin. They
// have no meaning where a slot does not fit in 16 bits, as for values above the top that `map` was made for.
Extent scan_slots(const float *values, std::size_t count, const BinMap &map, std::uint32_t negative_offset,
                  std::uint16_t *slots);

// Columns of a matrix of `rows` rows of `width` contiguous values, `stride` apart. minimum and maximum are updated.
void column_range(const float *values, std::size_t rows, std::size_t width, std::size_t stride, float *minimum,
                  float *maximum);

// Adds a run of one channel, whose first term has number `phase` (mod 8), to its kPartialSums sums of x and of x * x.
void run_moments(const float *values, std::size_t count, std::size_t phase, double *sums, double *squares);

// The same for columns: partial sum k of column w is sums[k * spread + w]; row r is term phase + r of every column.
void column_moments(const float *values, std::size_t rows, std::size_t width, std::size_t stride, std::size_t phase,
                    double *sums, double *squares, std::size_t spread);

// Adds up kPartialSums partial sums that lie `spread` apart.
double fold(const double *partial, std::size_t spread);

namespace plain {
Extent scan(const float *values, std::size_t count);
Extent scan_slots(const float *values, std::size_t count, const BinMap &map, std::uint32_t negative_offset,
                  std::uint16_t *slots);
void column_range(const float *values, std::size_t rows, std::size_t width, std::size_t stride, float *minimum,
                  float *maximum);
void run_moments(const float *values, std::size_t count, std::size_t phase, double *sums, double *squares);
void column_moments(const float *values, std::size_t rows, std::size_t width, std::size_t stride, std::size_t phase,
                    double *sums, double *squares, std::size_t spread);
}  // namespace plain

}  // namespace halftone::calibration
