// Counts of magnitudes below a peak, and the range that a symmetric grid would have for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace halftone::passes {

// Eighths of octaves, bin 0 at the peak. Twelve octaves: the step of 8 bits is seven below the peak, and what is
// smaller still hardly counts.
using Magnitudes = std::array<std::uint64_t, 96>;

// The bin of a magnitude, by the bits of both as float32; kNoBin when it is too small. What is above the peak is in
// bin 0.
inline constexpr std::size_t kNoBin = SIZE_MAX;
inline std::size_t magnitude_bin(std::uint32_t peak_bits, std::uint32_t bits) {
  if (bits >= peak_bits) return 0;
  const std::size_t bin = (peak_bits - bits) >> 20;
  return bin < Magnitudes{}.size() ? bin : kNoBin;
}

struct GridOf {
  int bits = 8;              // of a symmetric grid
  double clip_weight = 0.5;  // what the squared error of a clipped value counts
};

// The upper edge of a bin that leaves the least expected squared error as the range of the grid: a rounded value errs
// by step^2 / 12 on average, or by its own square where that is less. `peak` is normal and positive.
double least_error_range(const Magnitudes &counts, float peak, const GridOf &grid);

}  // namespace halftone::passes
