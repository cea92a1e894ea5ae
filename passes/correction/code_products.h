// The innermost sums of products of 16-bit codes, in the widest instructions that the processor has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halftone::passes {

// Two codes in one number, the first in the lower half.
inline std::int32_t code_pair(std::int32_t first, std::int32_t second) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(first) & 0xffffU) |
                                   (static_cast<std::uint32_t>(second) << 16U));
}

// sums[c * 32 + r] = sum over `pairs` of both products of a[r] and b[c], for 32 rows r of `a` and the first `columns`
// rows c of `b`, rounded up to four. Both are panels of CodePanels: pairs of 32 rows, one after the other.
void sum_products(const std::int32_t *a, const std::int32_t *b, std::size_t pairs, std::size_t columns,
                  std::int32_t *sums);

}  // namespace halftone::passes
