// Products of matrices that lie as they are or transposed.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/product.h"

namespace halftone::gradients {

// A matrix of `rows` by `columns`; where `is_turned` it is stored as its transpose, row-major.
struct Matrix {
  std::int64_t rows, columns;
  bool is_turned;

  Matrix turned() const { return {columns, rows, !is_turned}; }
  std::int64_t at(std::int64_t i, std::int64_t j) const { return is_turned ? j * rows + i : i * columns + j; }
};

// The matrix as its rows, in float64.
template <typename From>
std::vector<double> packed(Matrix m, const From *data) {
  return m.is_turned ? reference::transposed<double>(data, m.columns, m.rows)
                     : reference::widened<double>(data, m.rows * m.columns);
}

// c += alpha * a * b; each sum runs over the inner axis in ascending order.
template <typename A, typename B>
void add_product(Matrix a, const A *pa, Matrix b, const B *pb, double alpha, Matrix c, double *pc) {
  const std::vector<double> left = packed(a, pa), right = packed(b, pb);
  std::vector<double> out(static_cast<std::size_t>(c.rows * c.columns));
  reference::product(left.data(), right.data(), out.data(), c.rows, c.columns, a.columns);
  for (std::int64_t i = 0; i < c.rows; ++i) {
    for (std::int64_t j = 0; j < c.columns; ++j) {
      pc[c.at(i, j)] += alpha * out[static_cast<std::size_t>(i * c.columns + j)];
    }
  }
}

}  // namespace halftone::gradients
