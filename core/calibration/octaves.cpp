#include "core/calibration/octaves.h"

#include <algorithm>
#include <array>
#include <limits>

namespace halftone::calibration {
namespace {

constexpr std::size_t kChunk = 2048;  // values and slots of a chunk stay in the first-level cache

// Octave boundaries as shifted bits: multiplication, as the first octave may lie below the smallest exponent.
constexpr std::int32_t fine_key(std::int32_t octave) {
  return octave * Octaves::kFineBins;
}
constexpr std::int32_t coarse_key(std::int32_t octave) {
  return octave * Octaves::kCoarseBins;
}
constexpr std::int32_t kFirstFine = 1 + Octaves::kCoarseOctaves * Octaves::kCoarseBins;
constexpr std::int32_t kOctaves = Octaves::kFineOctaves + Octaves::kCoarseOctaves;

template <class Counter>
void increment(Counter *counters, const std::uint32_t *slots, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) ++counters[slots[i]];
}

}  // namespace

BinMap Octaves::map() const noexcept {
  return {kFirstFine - fine_key(top_ - kFineOctaves + 1), 1 - coarse_key(top_ - kOctaves + 1)};
}

std::uint32_t Octaves::bin_of(std::uint32_t bits) const noexcept {
  const BinMap m = map();
  const auto size = static_cast<std::int32_t>(bits);
  return static_cast<std::uint32_t>(
      std::max({0, (size >> BinMap::kFineShift) + m.fine_offset, (size >> BinMap::kCoarseShift) + m.coarse_offset}));
}

Octaves::Interval Octaves::interval(std::uint32_t bin) const noexcept {
  const BinMap m = map();
  const auto b = static_cast<std::int32_t>(bin);
  const bool fine = b >= kFirstFine;
  const int shift = fine ? BinMap::kFineShift : BinMap::kCoarseShift;
  const std::int32_t key = b - (fine ? m.fine_offset : m.coarse_offset);
  const auto bits = [&](std::int32_t k) { return static_cast<std::uint32_t>(std::max(k, 0)) << shift; };
  if (b == 0) return {0, bits(1 - m.coarse_offset)};
  return {bits(key), bits(key + 1)};
}

std::size_t Octaves::slot(bool negative, std::uint32_t bin) const noexcept {
  return kSinkSlots + bin + (negative ? kBins : 0);
}

std::uint64_t Octaves::at(bool negative, std::uint32_t bin) const noexcept {
  if (empty() || (negative && !negative_)) return 0;
  return wide_.empty() ? narrow_[slot(negative, bin)] : wide_[slot(negative, bin)];
}

std::size_t Octaves::bytes() const noexcept {
  return narrow_.capacity() * sizeof(std::uint32_t) + wide_.capacity() * sizeof(std::uint64_t);
}

void Octaves::reserve(bool negative) {
  negative_ = negative_ || negative;
  const std::size_t size = kSinkSlots + kBins * (negative_ ? 2U : 1U);
  if (!wide_.empty()) {
    wide_.reserve(size);  // exactly: growing by doubling would waste half
    wide_.resize(size);
  } else {
    narrow_.reserve(size);
    narrow_.resize(size);
  }
}

void Octaves::make_room(std::uint64_t count) {
  counted_ += count;
  if (!wide_.empty() || counted_ <= std::numeric_limits<std::uint32_t>::max()) return;
  wide_.assign(narrow_.begin(), narrow_.end());
  if (wide_.empty()) wide_.resize(kSinkSlots + kBins);
  narrow_ = {};
}

template <class Counts>
void Octaves::remap(Counts &counts, const Octaves &finer) const {
  Counts moved(counts.size());
  for (const bool negative : {false, true}) {
    if (negative && !negative_) break;
    for (std::uint32_t bin = 0; bin < kBins; ++bin) {
      const auto count = counts[slot(negative, bin)];
      if (count != 0) moved[slot(negative, bin_of(finer.interval(bin).first))] += count;
    }
  }
  counts = std::move(moved);
}

void Octaves::raise(std::int32_t top) {
  if (top <= top_) return;
  Octaves before;
  before.top_ = top_;
  top_ = top;
  reserve(false);
  if (before.top_ < 0) return;
  if (wide_.empty()) {
    remap(narrow_, before);
  } else {
    remap(wide_, before);
  }
}

void Octaves::count(const float *values, std::size_t count, const Extent &extent) {
  raise(static_cast<std::int32_t>(extent.largest_bits >> 23));
  reserve(extent.minimum < 0);
  make_room(count);
  std::array<std::uint32_t, kChunk> slots;
  const BinMap m = map();
  for (std::size_t i = 0; i < count; i += kChunk) {
    const std::size_t chunk = std::min(kChunk, count - i);
    find_slots(values + i, chunk, m, kBins, slots.data());
    if (wide_.empty()) {
      increment(narrow_.data(), slots.data(), chunk);
    } else {
      increment(wide_.data(), slots.data(), chunk);
    }
  }
}

void Octaves::put(bool negative, std::uint32_t bin, std::uint64_t count) {
  make_room(count);
  reserve(negative);
  if (wide_.empty()) {
    narrow_[slot(negative, bin)] += static_cast<std::uint32_t>(count);
  } else {
    wide_[slot(negative, bin)] += count;
  }
}

void Octaves::add(const Octaves &other) {
  if (other.empty()) return;
  raise(other.top_);
  for (const bool negative : {false, true}) {
    for (std::uint32_t bin = 0; bin < kBins; ++bin) {
      const std::uint64_t count = other.at(negative, bin);
      if (count == 0) continue;
      put(negative, bin_of(other.interval(bin).first), count);
    }
  }
}

bool operator==(const Octaves &a, const Octaves &b) {
  if (a.top_ != b.top_) return false;
  for (const bool negative : {false, true}) {
    for (std::uint32_t bin = 0; bin < Octaves::kBins; ++bin) {
      if (a.at(negative, bin) != b.at(negative, bin)) return false;
    }
  }
  return true;
}

}  // namespace halftone::calibration
