#include "drop_mask.h"

#include <algorithm>

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

void DropMask(const Draw &draw, std::uint64_t threshold, std::uint32_t *mask, std::size_t count) {
  std::uint32_t words[4][kLanes];
  std::size_t i = 0;
  while (i < count) {
    const std::uint64_t element = draw.first_element + i, tile = element / kTile;
    for (std::size_t l = 0; l < kLanes; ++l) {
      words[0][l] = static_cast<std::uint32_t>(tile * kLanes + l);
      words[1][l] = static_cast<std::uint32_t>(draw.point);
      words[2][l] = static_cast<std::uint32_t>(draw.step);
      words[3][l] = static_cast<std::uint32_t>(draw.step >> 32);
    }
    philox(words, draw.seed);
    const std::uint32_t *numbers = &words[0][0];
    const std::size_t first = element % kTile, last = std::min(kTile, first + (count - i));
    for (std::size_t e = first; e < last; ++e) mask[i + e - first] = numbers[e] < threshold ? ~0U : 0U;
    i += last - first;
  }
}

}  // namespace
}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halftone::trainer {

HWY_EXPORT(DropMask);

std::vector<std::uint32_t> drop_mask(const Draw &draw, std::uint64_t threshold, std::size_t count) {
  std::vector<std::uint32_t> mask(count);
  HWY_DYNAMIC_DISPATCH(DropMask)(draw, threshold, mask.data(), count);
  return mask;
}

}  // namespace halftone::trainer
#endif
