#include "core/pipeline/block_rows.h"

#include "core/base/error.h"
#include "core/quant/arithmetic.h"

namespace halftone::pipeline {

BlockRows block_rows(std::span<const float> values, std::span<const std::int64_t> shape, const ht_quant_spec &spec) {
  const std::uint64_t rows = quant::entry_count(shape, HT_PER_BLOCK, spec.axis, spec.block_size);
  const auto axis = static_cast<std::size_t>(spec.axis);
  const auto extent = static_cast<std::uint64_t>(shape[axis]), size = static_cast<std::uint64_t>(spec.block_size);
  std::uint64_t inner = 1;
  for (std::size_t k = axis + 1; k < shape.size(); ++k) inner *= static_cast<std::uint64_t>(shape[k]);
  const std::uint64_t blocks = (extent + size - 1) / size;
  BlockRows out;
  out.shape = {static_cast<std::int64_t>(rows), spec.block_size};
  out.values.assign(rows * size, 0.0F);
  for (std::uint64_t i = 0; i < values.size(); ++i) {
    const std::uint64_t at = i % inner, along = i / inner % extent, outer = i / inner / extent;
    const std::uint64_t row = (outer * blocks + along / size) * inner + at;
    out.values[row * size + along % size] = values[i];
  }
  return out;
}

}  // namespace halftone::pipeline
