// A layer's weight as rows of numbers beside the integer grid that each of them must end on.
#pragma once

#include <cstddef>
#include <vector>

#include "layers.h"

namespace halftone::passes {

// Rows of one group of a layer, row-major; a value on the grid is code * scale with a whole code from low to high.
struct WeightRows {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;
  std::vector<float> scales, low, high;  // one for each value

  float code(std::size_t i, double value) const;  // the nearest, in range
};

// A weight and its scales, by which rows are read and written.
class WeightGrid {
 public:
  WeightGrid(const sdk::Graph &graph, const sdk::Configs &configs, const Layer &layer);

  std::vector<float> elements;  // the stored weight
  std::vector<float> scales;    // of the config
  std::vector<std::int32_t> zero_points;
  ht_quant_spec spec{};

  // Which scale an element has.
  std::size_t scale_index(std::size_t element) const;
  WeightRows rows(std::size_t group, std::size_t first, std::size_t count) const;
  void put(std::size_t group, std::size_t first, const WeightRows &rows, const std::vector<float> &codes);

 private:
  MatrixLayout matrix_;
  std::vector<std::int64_t> shape_;
};

}  // namespace halftone::passes
