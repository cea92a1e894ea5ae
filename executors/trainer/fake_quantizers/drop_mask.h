// Which elements keep their quantization, by random numbers of a counter.
#pragma once

#include <cstdint>
#include <vector>

#include "../fake_quantizer.h"

namespace halftone::trainer {

class DropMask {
 public:
  DropMask() = default;
  // Of the `count` elements from draw.first_element on those are kept whose random number is below `threshold` (of
  // 2^32).
  DropMask(const Draw &draw, std::uint64_t threshold, std::size_t count);

  // Bit k says whether element i + k is kept, k below 16.
  std::uint32_t bits(std::size_t i) const {
    const std::size_t at = first_ + i, word = at / 64, shift = at % 64;
    const std::uint64_t low = words_[word] >> shift;
    return static_cast<std::uint32_t>(shift == 0 ? low : low | words_[word + 1] << (64 - shift)) & 0xFFFFU;
  }

 private:
  std::size_t first_ = 0;             // bit of the first element
  std::vector<std::uint64_t> words_;  // one per tile of 64 elements of the batch, and one more
};

}  // namespace halftone::trainer
