#include "gram.h"

#include <algorithm>

#include <Eigen/Core>

namespace halftone::passes {
namespace {

constexpr double kExactFloat = 16777216.0;           // 2^24
constexpr double kExactDouble = 9007199254740992.0;  // 2^53
constexpr std::size_t kLeastColumns = 32, kMostColumns = 1024;

using Floats = Eigen::Map<const Eigen::MatrixXf>;
using Doubles = Eigen::Map<Eigen::MatrixXd>;

Eigen::Index index(std::size_t n) {
  return static_cast<Eigen::Index>(n);
}

}  // namespace

std::size_t exact_float_columns(double largest_a, double largest_b) {
  const double product = std::max(largest_a, 1.0) * std::max(largest_b, 1.0);
  return static_cast<std::size_t>(std::min(kExactFloat / product, 1e9));
}

bool sums_are_exact(double terms, double largest_a, double largest_b) {
  return terms * largest_a * largest_b <= kExactDouble;
}

void add_gram(const float *x, std::size_t rows, std::size_t columns, double largest, double *gram,
              std::vector<float> &scratch) {
  Doubles sum(gram, index(rows), index(rows));
  const std::size_t allowed = std::min(exact_float_columns(largest, largest), kMostColumns);
  if (allowed < kLeastColumns) {
    const Eigen::MatrixXd wide = Floats(x, index(rows), index(columns)).cast<double>();
    sum.selfadjointView<Eigen::Lower>().rankUpdate(wide);
    return;
  }
  scratch.resize(rows * rows);
  Eigen::Map<Eigen::MatrixXf> part(scratch.data(), index(rows), index(rows));
  for (std::size_t first = 0; first < columns; first += allowed) {
    const std::size_t count = std::min(allowed, columns - first);
    const Floats block(x + first * rows, index(rows), index(count));
    part.setZero();
    part.selfadjointView<Eigen::Lower>().rankUpdate(block);
    for (Eigen::Index c = 0; c < index(rows); ++c) {
      sum.col(c).tail(index(rows) - c) += part.col(c).tail(index(rows) - c).cast<double>();
    }
  }
}

void add_cross(const float *y, std::size_t outputs, std::size_t y_stride, const float *x, std::size_t rows,
               std::size_t columns, double *cross) {
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const RowMajor, 0, Eigen::OuterStride<>> targets(y, index(outputs), index(columns),
                                                                    Eigen::OuterStride<>(index(y_stride)));
  const Eigen::MatrixXd wide = Floats(x, index(rows), index(columns)).cast<double>();
  const Eigen::MatrixXd wide_targets = targets.cast<double>();
  Doubles(cross, index(outputs), index(rows)).noalias() += wide_targets * wide.transpose();
}

}  // namespace halftone::passes
