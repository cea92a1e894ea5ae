// Which elements keep their quantization, by random numbers of a counter.
#pragma once

#include <vector>

#include "../fake_quantizer.h"

namespace halftone::trainer {

// All bits set for each of the `count` elements from draw.first_element on whose random number is below `threshold` (of
// 2^32), else 0.
std::vector<std::uint32_t> drop_mask(const Draw &draw, std::uint64_t threshold, std::size_t count);

}  // namespace halftone::trainer
