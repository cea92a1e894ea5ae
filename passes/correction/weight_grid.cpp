#include "weight_grid.h"

#include <algorithm>
#include <cmath>

namespace halftone::passes {

float WeightRows::code(std::size_t i, double value) const {
  const double nearest = std::nearbyint(value / static_cast<double>(scales[i]));
  return static_cast<float>(std::clamp(nearest, static_cast<double>(low[i]), static_cast<double>(high[i])));
}

WeightGrid::WeightGrid(const sdk::Graph &graph, const sdk::Configs &configs, const Layer &layer)
    : elements(stored_floats(graph, layer.node, 1)), matrix_(layer.matrix) {
  const auto tensor = graph.initializer(graph.node(layer.node).input(1));
  shape_.assign(tensor->shape, tensor->shape + tensor->rank);
  const ht_config_info info = configs.info(layer.weight_config);
  spec = info.spec;
  scales.assign(info.scales, info.scales + info.scale_count);
  zero_points.assign(info.zero_points, info.zero_points + info.scale_count);
}

std::size_t WeightGrid::scale_index(std::size_t element) const {
  if (spec.granularity == HT_PER_TENSOR || scales.size() == 1) return 0;
  const auto axis = static_cast<std::size_t>(spec.axis);
  std::size_t inner = 1;
  for (std::size_t k = axis + 1; k < shape_.size(); ++k) inner *= static_cast<std::size_t>(shape_[k]);
  const auto extent = static_cast<std::size_t>(shape_[axis]);
  const std::size_t at = element / inner % extent;
  if (spec.granularity == HT_PER_CHANNEL) return at;
  const auto size = static_cast<std::size_t>(spec.block_size);
  const std::size_t blocks = (extent + size - 1) / size;
  return (element / inner / extent * blocks + at / size) * inner + element % inner;
}

WeightRows WeightGrid::rows(std::size_t group, std::size_t first, std::size_t count) const {
  WeightRows out;
  out.rows = count;
  out.columns = matrix_.columns;
  const std::size_t size = count * matrix_.columns;
  out.values.reserve(size);
  for (std::size_t o = first; o < first + count; ++o) {
    for (std::size_t c = 0; c < matrix_.columns; ++c) {
      const std::size_t at = matrix_.offset(group, o, c), s = scale_index(at);
      out.values.push_back(static_cast<double>(elements[at]));
      out.scales.push_back(scales[s]);
      out.low.push_back(static_cast<float>(spec.quant_min - zero_points[s]));
      out.high.push_back(static_cast<float>(spec.quant_max - zero_points[s]));
    }
  }
  return out;
}

void WeightGrid::put(std::size_t group, std::size_t first, const WeightRows &rows, const std::vector<float> &codes) {
  for (std::size_t o = 0; o < rows.rows; ++o) {
    for (std::size_t c = 0; c < rows.columns; ++c) {
      const std::size_t i = o * rows.columns + c;
      elements[matrix_.offset(group, first + o, c)] = codes[i] * rows.scales[i];
    }
  }
}

}  // namespace halftone::passes
