// Products of matrices that lie as they are or transposed.
#pragma once

#include <cstdint>
#include <utility>

namespace halftone::gradients {

// A matrix of `rows` by `columns`; where `is_turned` it is stored as its transpose, row-major.
struct Matrix {
  std::int64_t rows, columns;
  bool is_turned;

  Matrix turned() const { return {columns, rows, !is_turned}; }
  std::int64_t at(std::int64_t i, std::int64_t j) const { return is_turned ? j * rows + i : i * columns + j; }
};

// c += alpha * a * b; each sum runs over the inner axis in ascending order.
template <typename A, typename B>
void add_product(Matrix a, const A *pa, Matrix b, const B *pb, double alpha, Matrix c, double *pc) {
  for (std::int64_t i = 0; i < c.rows; ++i) {
    for (std::int64_t j = 0; j < c.columns; ++j) {
      double sum = 0;
      for (std::int64_t k = 0; k < a.columns; ++k) {
        sum += static_cast<double>(pa[a.at(i, k)]) * static_cast<double>(pb[b.at(k, j)]);
      }
      pc[c.at(i, j)] += alpha * sum;
    }
  }
}

}  // namespace halftone::gradients
