#include <algorithm>
#include <bit>

#include "core/calibration/sweep.h"

namespace halftone::calibration {

double fold(const double *partial, std::size_t spread) {
  const auto at = [&](std::size_t k) { return partial[k * spread]; };
  return ((at(0) + at(4)) + (at(2) + at(6))) + ((at(1) + at(5)) + (at(3) + at(7)));
}

namespace plain {

Extent scan(const float *values, std::size_t count) {
  Extent extent;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t size = std::bit_cast<std::uint32_t>(values[i]) & 0x7FFFFFFFU;
    extent.minimum = std::min(extent.minimum, values[i]);
    extent.maximum = std::max(extent.maximum, values[i]);
    extent.largest_bits = std::max(extent.largest_bits, size);
    if (size == 0) ++extent.zeros;
  }
  return extent;
}

Extent scan_slots(const float *values, std::size_t count, const BinMap &map, std::uint32_t negative_offset,
                  std::uint16_t *slots) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(values[i]);
    const auto size = static_cast<std::int32_t>(bits & 0x7FFFFFFFU);
    if (size == 0) continue;
    const std::int32_t bin = std::max(
        {0, (size >> BinMap::kFineShift) + map.fine_offset, (size >> BinMap::kCoarseShift) + map.coarse_offset});
    *slots++ = static_cast<std::uint16_t>(static_cast<std::uint32_t>(bin) + ((bits >> 31) != 0 ? negative_offset : 0));
  }
  return scan(values, count);
}

void column_range(const float *values, std::size_t rows, std::size_t width, std::size_t stride, float *minimum,
                  float *maximum) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t w = 0; w < width; ++w) {
      minimum[w] = std::min(minimum[w], values[r * stride + w]);
      maximum[w] = std::max(maximum[w], values[r * stride + w]);
    }
  }
}

void run_moments(const float *values, std::size_t count, std::size_t phase, double *sums, double *squares) {
  for (std::size_t i = 0; i < count; ++i) {
    const double x = values[i];
    sums[(phase + i) % kPartialSums] += x;
    squares[(phase + i) % kPartialSums] += x * x;
  }
}

void column_moments(const float *values, std::size_t rows, std::size_t width, std::size_t stride, std::size_t phase,
                    double *sums, double *squares, std::size_t spread) {
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t offset = (phase + r) % kPartialSums * spread;
    for (std::size_t w = 0; w < width; ++w) {
      const double x = values[r * stride + w];
      sums[offset + w] += x;
      squares[offset + w] += x * x;
    }
  }
}

}  // namespace plain
}  // namespace halftone::calibration
