#include "core/calibration/octaves.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace halftone::calibration {
namespace {

constexpr std::size_t kChunk = 2048;  // values and slots of a chunk stay in the first-level cache

constexpr std::int32_t kOctaves = Octaves::kFineOctaves + Octaves::kCoarseOctaves;

// Where an octave begins, counted from the lowest.
constexpr std::int32_t first_bin(std::int32_t octave) {
  return octave < Octaves::kCoarseOctaves ? 1 + octave * Octaves::kCoarseBins
                                          : 1 + Octaves::kCoarseOctaves * Octaves::kCoarseBins +
                                                (octave - Octaves::kCoarseOctaves) * Octaves::kFineBins;
}

constexpr int kLowerBits = 15;
constexpr std::uint32_t kLowerMask = (1U << kLowerBits) - 1;

// Leaves at most 15 bits in each lower part, and returns a number that none of them exceeds.
template <class Upper>
std::uint16_t carry(std::vector<std::uint16_t> &lower, std::vector<Upper> &upper) {
  // Most blocks have nothing to carry: they are only read, and their upper parts need not come into the cache. A length
  // that is known lets the compiler use vectors.
  constexpr std::size_t kBlock = 128;
  const auto carry_one = [&](std::size_t i) {
    upper[i] = static_cast<Upper>(upper[i] + (lower[i] >> kLowerBits));
    lower[i] = static_cast<std::uint16_t>(lower[i] & kLowerMask);
  };
  std::uint16_t bits = 0;
  std::size_t first = 0;
  for (; first + kBlock <= lower.size(); first += kBlock) {
    std::uint16_t any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) any = static_cast<std::uint16_t>(any | lower[first + i]);
    bits = static_cast<std::uint16_t>(bits | any);
    if (any <= kLowerMask) continue;
    for (std::size_t i = 0; i < kBlock; ++i) carry_one(first + i);
  }
  for (; first < lower.size(); ++first) {
    bits = static_cast<std::uint16_t>(bits | lower[first]);
    carry_one(first);
  }
  return bits <= kLowerMask ? bits : static_cast<std::uint16_t>(kLowerMask);
}

// One store a cycle is the limit; what the loop itself costs has to hide behind it.
void increment(std::uint16_t *counters, const std::uint16_t *slots, std::size_t count) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < count; ++i) ++counters[slots[i]];
}

// Counts of one sign for a top that is `octaves` higher. Every bin goes to a lower place or stays.
void move_down(Octaves::Half &counts, std::int32_t octaves) {
  if (octaves == 0) return;
  const auto at = [&](std::int32_t octave) { return counts.begin() + first_bin(std::min(octave, kOctaves)); };
  counts[0] = std::accumulate(counts.begin(), at(octaves), std::uint64_t{0});
  for (std::int32_t to = 0; to < kOctaves; ++to) {
    const std::int32_t from = to + octaves;
    if (from >= kOctaves) {
      std::fill(at(to), at(to + 1), 0);
    } else if ((to < Octaves::kCoarseOctaves) == (from < Octaves::kCoarseOctaves)) {
      std::copy(at(from), at(from + 1), at(to));
    } else {
      constexpr std::int32_t kMerged = Octaves::kFineBins / Octaves::kCoarseBins;
      for (std::int32_t bin = 0; bin < Octaves::kCoarseBins; ++bin) {
        const auto first = at(from) + bin * kMerged;
        at(to)[bin] = std::accumulate(first, first + kMerged, std::uint64_t{0});
      }
    }
  }
}

}  // namespace

std::uint32_t Octaves::bin_of(std::uint32_t bits) const noexcept {
  const BinMap m = map();
  const auto size = static_cast<std::int32_t>(bits);
  return static_cast<std::uint32_t>(
      std::max({0, (size >> BinMap::kFineShift) + m.fine_offset, (size >> BinMap::kCoarseShift) + m.coarse_offset}));
}

std::uint64_t Octaves::at(bool negative, std::uint32_t bin) const noexcept {
  if (empty() || (negative && !negative_)) return 0;
  const std::size_t s = slot(negative, bin);
  return ((wide_ ? wide_upper_[s] : upper_[s]) << kLowerBits) + lower_[s];
}

template <class Self, class Body>
void Octaves::with_upper(Self &self, const Body &body) {
  if (self.wide_) {
    body(self.wide_upper_);
  } else {
    body(self.upper_);
  }
}

void Octaves::read(bool negative, Half &counts) const {
  if (empty() || (negative && !negative_)) {
    counts.fill(0);
    return;
  }
  const std::size_t first = slot(negative, 0);
  with_upper(*this, [&](const auto &upper) {
    for (std::size_t i = 0; i < kBins; ++i) {
      counts[i] = (std::uint64_t{upper[first + i]} << kLowerBits) + lower_[first + i];
    }
  });
}

void Octaves::assign(bool negative, const Half &counts) {
  room_ = 0;  // a lower part may have all its 15 bits now
  const std::size_t first = slot(negative, 0);
  for (std::size_t i = 0; i < kBins; ++i) lower_[first + i] = static_cast<std::uint16_t>(counts[i] & kLowerMask);
  with_upper(*this, [&]<class Upper>(std::vector<Upper> &upper) {
    for (std::size_t i = 0; i < kBins; ++i) upper[first + i] = static_cast<Upper>(counts[i] >> kLowerBits);
  });
}

std::size_t Octaves::bytes() const noexcept {
  return (lower_.capacity() + upper_.capacity()) * sizeof(std::uint16_t) +
         wide_upper_.capacity() * sizeof(std::uint64_t);
}

void Octaves::reserve(bool negative) {
  negative_ = negative_ || negative;
  const std::size_t size = kBins * (negative_ ? 2U : 1U);
  const auto grow = [&](auto &counters) {
    counters.reserve(size);  // exactly: growing by doubling would waste half
    counters.resize(size);
  };
  grow(lower_);
  with_upper(*this, grow);
}

void Octaves::make_room(std::uint64_t count) {
  counted_ += count;
  if (wide_ || counted_ <= kNarrowValues) return;
  wide_ = true;
  wide_upper_.assign(upper_.begin(), upper_.end());
  std::vector<std::uint16_t>().swap(upper_);  // `= {}` would keep the memory
}

void Octaves::spill() {
  with_upper(*this, [&](auto &upper) { room_ = 0xFFFFU - carry(lower_, upper); });
}

void Octaves::raise(std::int32_t top) {
  if (top <= top_) return;
  const std::int32_t before = std::exchange(top_, top);
  reserve(false);
  if (before < 0) return;
  Half moved;
  for (const bool negative : {false, true}) {
    if (negative && !negative_) break;
    read(negative, moved);
    move_down(moved, top - before);
    assign(negative, moved);
  }
}

Extent Octaves::count(const float *values, std::size_t count) {
  Extent all;
  std::array<std::uint16_t, kChunk + kSlotMargin> slots;
  for (std::size_t i = 0; i < count && all.finite(); i += kChunk) {
    const std::size_t chunk = std::min(kChunk, count - i);
    const Extent extent = scan_slots(values + i, chunk, map(), kBins, slots.data());
    all.join(extent);
    const std::size_t found = chunk - extent.zeros;
    if (!extent.finite() || found == 0) continue;
    const auto top = static_cast<std::int32_t>(extent.largest_bits >> 23);
    if (top > top_) {                         // rare: the bins were of the top before
      if (extent.minimum < 0) reserve(true);  // not first without, then with
      raise(top);
      scan_slots(values + i, chunk, map(), kBins, slots.data());
    }
    if (extent.minimum < 0 && !negative_) reserve(true);
    make_room(found);
    if (found > room_) spill();
    room_ -= static_cast<std::uint32_t>(found);
    increment(lower_.data(), slots.data(), found);
  }
  return all;
}

void Octaves::put(bool negative, std::uint32_t bin, std::uint64_t count) {
  make_room(count);
  reserve(negative);
  const std::uint64_t sum = at(negative, bin) + count;
  const std::size_t s = slot(negative, bin);
  room_ = 0;
  lower_[s] = static_cast<std::uint16_t>(sum & kLowerMask);
  with_upper(*this, [&]<class Upper>(std::vector<Upper> &upper) { upper[s] = static_cast<Upper>(sum >> kLowerBits); });
}

// Of narrow counters for one top; no sum exceeds 31 bits then.
void Octaves::add_in_place(const Octaves &other) {
  reserve(other.negative_);
  room_ = 0;
  for (std::size_t i = 0; i < other.lower_.size(); ++i) {
    const std::uint32_t uppers = std::uint32_t{upper_[i]} + other.upper_[i];
    const std::uint32_t sum = (uppers << kLowerBits) + lower_[i] + other.lower_[i];
    lower_[i] = static_cast<std::uint16_t>(sum & kLowerMask);
    upper_[i] = static_cast<std::uint16_t>(sum >> kLowerBits);
  }
}

void Octaves::add(const Octaves &other) {
  if (other.empty()) return;
  raise(other.top_);
  make_room(other.counted_);
  if (top_ == other.top_ && !wide_ && !other.wide_) {
    add_in_place(other);
    return;
  }
  Half added, sum;
  for (const bool negative : {false, true}) {
    if (negative && !other.negative_) break;
    reserve(negative);
    other.read(negative, added);
    move_down(added, top_ - other.top_);
    read(negative, sum);
    for (std::size_t i = 0; i < kBins; ++i) sum[i] += added[i];
    assign(negative, sum);
  }
}

bool operator==(const Octaves &a, const Octaves &b) {
  Octaves::Half of_a, of_b;
  for (const bool negative : {false, true}) {
    a.read(negative, of_a);
    b.read(negative, of_b);
    if (of_a != of_b) return false;
  }
  return a.top_ == b.top_;
}

}  // namespace halftone::calibration
