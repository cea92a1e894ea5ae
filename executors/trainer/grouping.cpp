#include "halftone/status.hpp"
#include "program.h"

namespace halftone::trainer {

Grouping grouping_of(const QuantUse &use, const Shape &shape, const Point &point) {
  const std::size_t all = count_of(shape);
  if (use.spec.granularity == HT_PER_TENSOR) return {1, 1, all};
  const auto axis = static_cast<std::size_t>(use.spec.axis);
  if (axis >= shape.size()) {
    throw sdk::Failure(HT_FAILED_PRECONDITION, point.name + ": its scales lie along an axis that the tensor lacks",
                       use.config);
  }
  Grouping g;
  for (std::size_t i = 0; i < axis; ++i) g.outer *= static_cast<std::size_t>(shape[i]);
  const auto extent = static_cast<std::size_t>(shape[axis]);
  for (std::size_t i = axis + 1; i < shape.size(); ++i) g.inner *= static_cast<std::size_t>(shape[i]);
  if (use.spec.granularity == HT_PER_CHANNEL) {
    g.groups = extent;
    return g;
  }
  // Blocks of neighbours in memory are groups of a matrix; others are no regular pattern.
  const auto block = static_cast<std::size_t>(use.spec.block_size);
  if (g.inner != 1 || block == 0 || extent % block != 0) {
    throw sdk::Failure(HT_UNIMPLEMENTED,
                       point.name + ": the trainer takes scales per block only along the last axis, in whole blocks",
                       use.config);
  }
  return {1, all / block, block};
}

}  // namespace halftone::trainer
