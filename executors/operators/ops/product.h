// The one matrix product that Conv, ConvTranspose, Gemm, MatMul and the recurrent operators share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace halftone::reference {

// c[m][n] = sum over k of a[m][k] * b[k][n], row-major. Each sum runs over k in ascending order, whatever the tiling,
// so that an output's bits depend on nothing but its own row and column.
template <typename T>
void product(const T *a, const T *b, T *c, std::int64_t m, std::int64_t n, std::int64_t k) {
  constexpr std::int64_t kRows = 4, kColumns = 4;  // sums held in registers
  for (std::int64_t j = 0; j < n; j += kColumns) {
    const std::int64_t columns = std::min(kColumns, n - j);
    for (std::int64_t i = 0; i < m; i += kRows) {
      const std::int64_t rows = std::min(kRows, m - i);
      T sum[kRows][kColumns] = {};
      if (rows == kRows && columns == kColumns) {
        for (std::int64_t p = 0; p < k; ++p) {
          for (std::int64_t r = 0; r < kRows; ++r) {
            for (std::int64_t s = 0; s < kColumns; ++s) sum[r][s] += a[(i + r) * k + p] * b[p * n + j + s];
          }
        }
      } else {
        for (std::int64_t p = 0; p < k; ++p) {
          for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t s = 0; s < columns; ++s) sum[r][s] += a[(i + r) * k + p] * b[p * n + j + s];
          }
        }
      }
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t s = 0; s < columns; ++s) c[(i + r) * n + j + s] = sum[r][s];
      }
    }
  }
}

template <typename To, typename From>
std::vector<To> widened(const From *data, std::int64_t count) {
  std::vector<To> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<To>(data[i]);
  return out;
}

// The transpose of a matrix of `rows` rows, widened.
template <typename To, typename From>
std::vector<To> transposed(const From *data, std::int64_t rows, std::int64_t columns) {
  std::vector<To> out(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j)
      out[static_cast<std::size_t>(j * rows + i)] = static_cast<To>(data[i * columns + j]);
  }
  return out;
}

}  // namespace halftone::reference
