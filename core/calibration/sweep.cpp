#include "core/calibration/sweep.h"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/calibration/sweep.cpp"
#include <hwy/foreach_target.h>  // compiles what follows once for each instruction set

#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::calibration::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::RebindToSigned<FloatTag>;
using Floats = hn::Vec<FloatTag>;
using Ints = hn::Vec<IntTag>;

// Lanes of the running extent. Two of them hide the latency of the four dependent operations.
struct ExtentLanes {
  Floats minimum, maximum;
  Ints largest, zeros;
};

HWY_INLINE void take(ExtentLanes &lanes, Floats x) {
  const IntTag di;
  const Ints size = hn::And(hn::BitCast(di, x), hn::Set(di, 0x7FFFFFFF));
  lanes.minimum = hn::Min(lanes.minimum, x);
  lanes.maximum = hn::Max(lanes.maximum, x);
  lanes.largest = hn::Max(lanes.largest, size);
  lanes.zeros = hn::Sub(lanes.zeros, hn::VecFromMask(di, hn::Eq(size, hn::Zero(di))));  // a true lane is -1
}

Extent Scan(const float *values, std::size_t count) {
  const FloatTag d;
  const IntTag di;
  const std::size_t lanes = hn::Lanes(d);
  Extent extent;
  const ExtentLanes start{hn::Set(d, extent.minimum), hn::Set(d, extent.maximum), hn::Zero(di), hn::Zero(di)};
  ExtentLanes a = start, b = start;
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    take(a, hn::LoadU(d, values + i));
    take(b, hn::LoadU(d, values + i + lanes));
  }
  extent.minimum = hn::GetLane(hn::MinOfLanes(d, hn::Min(a.minimum, b.minimum)));
  extent.maximum = hn::GetLane(hn::MaxOfLanes(d, hn::Max(a.maximum, b.maximum)));
  extent.largest_bits = static_cast<std::uint32_t>(hn::GetLane(hn::MaxOfLanes(di, hn::Max(a.largest, b.largest))));
  extent.zeros = static_cast<std::uint64_t>(hn::GetLane(hn::SumOfLanes(di, hn::Add(a.zeros, b.zeros))));
  extent.join(plain::scan(values + i, count - i));
  return extent;
}

// For each mask of eight lanes the numbers of those that are set, then zeros. hn::Compress of vectors this short copies
// a table of its own to the stack for each call.
struct KeptLanes {
  std::uint8_t lanes[256][8] = {};
  constexpr KeptLanes() {
    for (unsigned mask = 0; mask < 256; ++mask) {
      std::size_t kept = 0;
      for (unsigned lane = 0; lane < 8; ++lane) {
        if ((mask >> lane & 1U) != 0) lanes[mask][kept++] = static_cast<std::uint8_t>(lane);
      }
    }
  }
};
constexpr KeptLanes kKeptLanes;

// The lanes of the mask first, in their order.
HWY_INLINE Ints pack(Ints x, hn::Mask<IntTag> mask) {
  const IntTag di;
  if constexpr (hn::MaxLanes(di) > 8) {
    return hn::Compress(x, mask);
  } else {
    std::uint8_t bits[8];
    hn::StoreMaskBits(di, mask, bits);
    const hn::Rebind<std::uint8_t, IntTag> d8;
    const Ints kept = hn::PromoteTo(di, hn::LoadU(d8, kKeptLanes.lanes[bits[0]]));
    return hn::TableLookupLanes(x, hn::IndicesFromVec(di, kept));
  }
}

// The counting between two chunks reads no values: this far ahead, the next chunk's arrive meanwhile.
constexpr std::size_t kAhead = 2048;

Extent ScanSlots(const float *values, std::size_t count, const BinMap &map, std::uint32_t negative_offset,
                 std::uint16_t *slots) {
  const FloatTag d;
  const IntTag di;
  const hn::Rebind<std::uint16_t, IntTag> d16;
  const std::size_t lanes = hn::Lanes(d);
  static_assert(hn::MaxLanes(d16) <= kSlotMargin);
  const Ints fine = hn::Set(di, map.fine_offset), coarse = hn::Set(di, map.coarse_offset);
  const Ints negative = hn::Set(di, static_cast<std::int32_t>(negative_offset));
  Extent extent;
  Floats minimum = hn::Set(d, extent.minimum), maximum = hn::Set(d, extent.maximum);
  Ints largest = hn::Zero(di);
  std::size_t i = 0, found = 0;
  for (; i + lanes <= count; i += lanes) {
    hwy::Prefetch(values + i + kAhead);
    const Floats x = hn::LoadU(d, values + i);
    const Ints bits = hn::BitCast(di, x);
    const Ints size = hn::And(bits, hn::Set(di, 0x7FFFFFFF));
    minimum = hn::Min(minimum, x);
    maximum = hn::Max(maximum, x);
    largest = hn::Max(largest, size);
    const Ints sign = hn::ShiftRight<31>(bits);  // arithmetic: all ones below zero
    const Ints bin = hn::Max(hn::Add(hn::ShiftRight<BinMap::kFineShift>(size), fine),
                             hn::Add(hn::ShiftRight<BinMap::kCoarseShift>(size), coarse));
    const Ints slot = hn::Add(hn::Max(bin, hn::Zero(di)), hn::And(sign, negative));
    // After a Relu half of the values are zeros: what is left out here need not be counted one by one.
    const auto some = hn::Ne(size, hn::Zero(di));
    hn::StoreU(hn::DemoteTo(d16, pack(slot, some)), d16, slots + found);
    found += hn::CountTrue(di, some);
  }
  extent.minimum = hn::GetLane(hn::MinOfLanes(d, minimum));
  extent.maximum = hn::GetLane(hn::MaxOfLanes(d, maximum));
  extent.largest_bits = static_cast<std::uint32_t>(hn::GetLane(hn::MaxOfLanes(di, largest)));
  extent.zeros = i - found;
  extent.join(plain::scan_slots(values + i, count - i, map, negative_offset, slots + found));
  return extent;
}

// As many of the columns from `w` on as whole vectors hold; returns the first column that is left.
template <class D>
std::size_t range_of_columns(D d, const float *values, std::size_t rows, std::size_t w, std::size_t width,
                             std::size_t stride, float *minimum, float *maximum) {
  const std::size_t lanes = hn::Lanes(d);
  for (; w + lanes <= width; w += lanes) {  // columns outside: their extremes stay in registers
    auto low = hn::LoadU(d, minimum + w), high = hn::LoadU(d, maximum + w);
    for (std::size_t r = 0; r < rows; ++r) {
      const auto x = hn::LoadU(d, values + r * stride + w);
      low = hn::Min(low, x);
      high = hn::Max(high, x);
    }
    hn::StoreU(low, d, minimum + w);
    hn::StoreU(high, d, maximum + w);
  }
  return w;
}

void ColumnRange(const float *values, std::size_t rows, std::size_t width, std::size_t stride, float *minimum,
                 float *maximum) {
  // Blocks of 8 channels are narrower than the widest vectors.
  std::size_t w = range_of_columns(FloatTag(), values, rows, 0, width, stride, minimum, maximum);
  w = range_of_columns(hn::CappedTag<float, 8>(), values, rows, w, width, stride, minimum, maximum);
  w = range_of_columns(hn::CappedTag<float, 4>(), values, rows, w, width, stride, minimum, maximum);
  if (w < width) plain::column_range(values + w, rows, width - w, stride, minimum + w, maximum + w);
}

using DoubleTag = hn::CappedTag<double, kPartialSums>;
using Doubles = hn::Vec<DoubleTag>;

HWY_INLINE Doubles load_doubles(const float *values) {
  const DoubleTag d;
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, DoubleTag>(), values));
}

void RunMoments(const float *values, std::size_t count, std::size_t phase, double *sums, double *squares) {
  const DoubleTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t head = std::min(count, (kPartialSums - phase % kPartialSums) % kPartialSums);
  plain::run_moments(values, head, phase, sums, squares);
  const float *body = values + head;
  const std::size_t whole = (count - head) / kPartialSums * kPartialSums;
  for (std::size_t k = 0; k < kPartialSums; k += lanes) {
    Doubles sum = hn::LoadU(d, sums + k), square = hn::LoadU(d, squares + k);
    for (std::size_t i = k; i < whole; i += kPartialSums) {
      const Doubles x = load_doubles(body + i);
      sum = hn::Add(sum, x);
      square = hn::Add(square, hn::Mul(x, x));
    }
    hn::StoreU(sum, d, sums + k);
    hn::StoreU(square, d, squares + k);
  }
  plain::run_moments(body + whole, count - head - whole, phase + head + whole, sums, squares);
}

void ColumnMoments(const float *values, std::size_t rows, std::size_t width, std::size_t stride, std::size_t phase,
                   double *sums, double *squares, std::size_t spread) {
  const DoubleTag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t whole = width / lanes * lanes;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t offset = (phase + r) % kPartialSums * spread;
    const float *row = values + r * stride;
    for (std::size_t w = 0; w < whole; w += lanes) {
      const Doubles x = load_doubles(row + w);
      hn::StoreU(hn::Add(hn::LoadU(d, sums + offset + w), x), d, sums + offset + w);
      hn::StoreU(hn::Add(hn::LoadU(d, squares + offset + w), hn::Mul(x, x)), d, squares + offset + w);
    }
  }
  if (whole == width) return;
  plain::column_moments(values + whole, rows, width - whole, stride, phase, sums + whole, squares + whole, spread);
}

}  // namespace
}  // namespace halftone::calibration::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::calibration {

HWY_EXPORT(Scan);
HWY_EXPORT(ScanSlots);
HWY_EXPORT(ColumnRange);
HWY_EXPORT(RunMoments);
HWY_EXPORT(ColumnMoments);

Extent scan(const float *values, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(Scan)(values, count);
}

Extent scan_slots(const float *values, std::size_t count, const BinMap &map, std::uint32_t negative_offset,
                  std::uint16_t *slots) {
  return HWY_DYNAMIC_DISPATCH(ScanSlots)(values, count, map, negative_offset, slots);
}

void column_range(const float *values, std::size_t rows, std::size_t width, std::size_t stride, float *minimum,
                  float *maximum) {
  HWY_DYNAMIC_DISPATCH(ColumnRange)(values, rows, width, stride, minimum, maximum);
}

void run_moments(const float *values, std::size_t count, std::size_t phase, double *sums, double *squares) {
  HWY_DYNAMIC_DISPATCH(RunMoments)(values, count, phase, sums, squares);
}

void column_moments(const float *values, std::size_t rows, std::size_t width, std::size_t stride, std::size_t phase,
                    double *sums, double *squares, std::size_t spread) {
  HWY_DYNAMIC_DISPATCH(ColumnMoments)(values, rows, width, stride, phase, sums, squares, spread);
}

}  // namespace halftone::calibration
#endif
