// A parameter that is quantized by block, laid out so that every block is a row.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "halftone/quant.h"

namespace halftone::pipeline {

struct BlockRows {
  std::vector<std::int64_t> shape;  // blocks in the order of their scales, elements of a block
  std::vector<float> values;        // what a last, shorter block lacks is 0, which every range contains
};

// Throws InvalidArgument when the axis is out of the shape's range.
BlockRows block_rows(std::span<const float> values, std::span<const std::int64_t> shape, const ht_quant_spec &spec);

}  // namespace halftone::pipeline
