#include "drop_mask.h"

#include "philox.h"

// Plain loops, which the compiler makes vectors of for each instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "drop_mask.cpp"
#include <hwy/foreach_target.h>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {
namespace {

// 64 elements are 16 counters of four words: element e of a tile has word e / 16 of counter e % 16.
constexpr std::size_t kLanes = 16, kTile = 4 * kLanes;

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
    for (std::size_t e = 0; e < kTile; ++e) {
      tiles[t] |= std::uint64_t{words[e / kLanes][e % kLanes] < threshold} << e;
    }
  }
}

}  // namespace
}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::trainer {

HWY_EXPORT(FillTiles);

DropMask::DropMask(const Draw &draw, std::uint64_t threshold, std::size_t count)
    : first_(static_cast<std::size_t>(draw.first_element % 64)), words_((first_ + count + 63) / 64 + 1) {
  HWY_DYNAMIC_DISPATCH(FillTiles)(draw, threshold, draw.first_element / 64, words_.data(), words_.size() - 1);
}

}  // namespace halftone::trainer
#endif
