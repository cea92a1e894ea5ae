#include "drop_mask.h"

#include "philox.h"

// Philox is plain loops, which the compiler makes vectors of for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "drop_mask.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// 64 elements are 16 counters of four words: element e of a tile has word e / 16 of counter e % 16.
constexpr std::size_t kLanes = 16, kTile = 4 * kLanes;

// Bit l says whether numbers[l] is below the threshold, which fits 32 bits.
HWY_INLINE std::uint64_t below(const std::uint32_t *numbers, std::uint64_t threshold) {
  const hn::CappedTag<std::uint32_t, kLanes> d;
  const auto limit = hn::Set(d, static_cast<std::uint32_t>(threshold));
  std::uint64_t all = 0;
  for (std::size_t l = 0; l < kLanes; l += hn::Lanes(d)) {
    std::uint8_t bytes[8] = {};
    hn::StoreMaskBits(d, hn::Lt(hn::LoadU(d, numbers + l), limit), bytes);
    all |= (std::uint64_t{bytes[0]} | std::uint64_t{bytes[1]} << 8) << l;
  }
  return all;
}

void FillTiles(const Draw &draw, std::uint64_t threshold, std::uint64_t first_tile, std::uint64_t *tiles,
               std::size_t count) {
  std::uint32_t words[4][kLanes];
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t l = 0; l < kLanes; ++l) {
      words[0][l] = static_cast<std::uint32_t>((first_tile + t) * kLanes + l);
      words[1][l] = static_cast<std::uint32_t>(draw.point);
      words[2][l] = static_cast<std::uint32_t>(draw.step);
      words[3][l] = static_cast<std::uint32_t>(draw.step >> 32);
    }
    philox(words, draw.seed);
    tiles[t] = 0;
    for (std::size_t w = 0; w < 4; ++w) tiles[t] |= below(words[w], threshold) << (w * kLanes);
  }
}

}  // namespace
}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::trainer {

HWY_EXPORT(FillTiles);

DropMask::DropMask(const Draw &draw, std::uint64_t threshold, std::size_t count)
    : first_(static_cast<std::size_t>(draw.first_element % 64)),
      words_((first_ + count + 63) / 64 + 1, ~std::uint64_t{0}) {
  if (threshold > 0xFFFFFFFFU) return;  // all are kept
  HWY_DYNAMIC_DISPATCH(FillTiles)(draw, threshold, draw.first_element / 64, words_.data(), words_.size() - 1);
}

}  // namespace halftone::trainer
#endif
