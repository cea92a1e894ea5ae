#include "core/pipeline/block_rows.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/quant/arithmetic.h"

namespace halftone::pipeline {

std::vector<BlockRows> block_rows(std::span<const float> values, std::span<const std::int64_t> shape,
                                  const ht_quant_spec &spec) {
  const std::uint64_t count = quant::entry_count(shape, HT_PER_BLOCK, spec.axis, spec.block_size);
  const auto axis = static_cast<std::size_t>(spec.axis);
  const auto extent = static_cast<std::uint64_t>(shape[axis]), size = static_cast<std::uint64_t>(spec.block_size);
  std::uint64_t inner = 1;
  for (std::size_t k = axis + 1; k < shape.size(); ++k) inner *= static_cast<std::uint64_t>(shape[k]);
  const std::uint64_t blocks = (extent + size - 1) / size, whole = extent / size;
  std::vector<BlockRows> groups;
  if (values.empty()) return groups;
  const std::uint64_t outer = count / (blocks * inner);
  const auto add_group = [&](std::uint64_t first, std::uint64_t last, std::uint64_t length) {
    if (first == last) return;
    BlockRows rows;
    for (std::uint64_t o = 0; o < outer; ++o) {
      for (std::uint64_t block = first; block < last; ++block) {
        for (std::uint64_t i = 0; i < inner; ++i) {
          rows.scales.push_back((o * blocks + block) * inner + i);
          for (std::uint64_t k = 0; k < length; ++k)
            rows.values.push_back(values[(o * extent + block * size + k) * inner + i]);
        }
      }
    }
    rows.shape = {static_cast<std::int64_t>(rows.scales.size()), static_cast<std::int64_t>(length)};
    groups.push_back(std::move(rows));
  };
  add_group(0, whole, size);
  add_group(whole, blocks, extent - whole * size);
  return groups;
}

}  // namespace halftone::pipeline
