// A parameter that is quantized by block, laid out so that every block is a row.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "halftone/quant.h"

namespace halftone::pipeline {

// Blocks of one length.
struct BlockRows {
  std::vector<std::int64_t> shape;    // blocks, elements of a block
  std::vector<float> values;          // row after row
  std::vector<std::uint64_t> scales;  // which scale each row is for
};

// The whole blocks, and the last ones where they are shorter; what a block lacks is not made up. Throws InvalidArgument
// when the axis is out of the shape's range.
std::vector<BlockRows> block_rows(std::span<const float> values, std::span<const std::int64_t> shape,
                                  const ht_quant_spec &spec);

}  // namespace halftone::pipeline
