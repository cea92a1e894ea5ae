// Blocks as rows: every element once, in the row of its scale, and nothing else.
#include "core/pipeline/block_rows.h"

#include <doctest/doctest.h>

#include <numeric>

#include "core/quant/arithmetic.h"

namespace halftone::pipeline {
namespace {

ht_quant_spec blocks_of(std::int32_t axis, std::int64_t size) {
  ht_quant_spec spec{};
  spec.struct_size = sizeof(spec);
  spec.granularity = HT_PER_BLOCK;
  spec.axis = axis;
  spec.block_size = static_cast<decltype(spec.block_size)>(size);
  return spec;
}

TEST_CASE("blocks of a parameter are rows of their own length, whatever the axis") {
  const std::vector<std::int64_t> shape = {5, 7, 3};
  std::vector<float> values(105);
  std::iota(values.begin(), values.end(), 1.0F);
  for (const std::int32_t axis : {0, 1, 2}) {
    for (const std::int64_t size : {1, 2, 3, 7, 1000000}) {
      const ht_quant_spec spec = blocks_of(axis, size);
      std::vector<int> seen(values.size() + 1, 0);
      std::vector<int> rows_of_scale(quant::entry_count(shape, HT_PER_BLOCK, axis, spec.block_size), 0);
      for (const BlockRows &rows : block_rows(values, shape, spec)) {
        REQUIRE(rows.values.size() == static_cast<std::size_t>(rows.shape[0] * rows.shape[1]));
        for (std::size_t i = 0; i < rows.values.size(); ++i) {
          const auto number = static_cast<std::int64_t>(rows.values[i]) - 1;
          const std::int64_t index[] = {number / 21, number / 3 % 7, number % 3};
          const std::int64_t extent = shape[static_cast<std::size_t>(axis)], blocks = (extent + size - 1) / size;
          std::int64_t outer = 0, inner = 0, width = 1;
          for (std::int32_t k = 0; k < axis; ++k) outer = outer * shape[static_cast<std::size_t>(k)] + index[k];
          for (std::int32_t k = axis + 1; k < 3; ++k) {
            inner = inner * shape[static_cast<std::size_t>(k)] + index[k];
            width *= shape[static_cast<std::size_t>(k)];
          }
          const auto wanted = static_cast<std::uint64_t>((outer * blocks + index[axis] / size) * width + inner);
          CHECK(rows.scales[i / static_cast<std::size_t>(rows.shape[1])] == wanted);
          ++seen[static_cast<std::size_t>(rows.values[i])];
        }
        for (const std::uint64_t scale : rows.scales) ++rows_of_scale[scale];
      }
      CHECK(seen[0] == 0);  // nothing made up
      CHECK(std::accumulate(seen.begin() + 1, seen.end(), 0) == 105);
      for (const int rows : rows_of_scale) CHECK(rows == 1);
    }
  }
}

}  // namespace
}  // namespace halftone::pipeline
