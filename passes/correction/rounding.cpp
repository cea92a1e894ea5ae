#include "rounding.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <stdexcept>

#include <Eigen/Cholesky>
#include <Eigen/Core>

namespace halftone::passes {
namespace {

using Matrix = Eigen::MatrixXd;

constexpr double kMostDamping = 1e9;  // moments that are finite have a factor long before
using Index = Eigen::Index;

Index index(std::size_t n) {
  return static_cast<Index>(n);
}

std::vector<Index> order_of(const Matrix &gram, bool by_activation) {
  std::vector<Index> order(static_cast<std::size_t>(gram.rows()));
  std::iota(order.begin(), order.end(), Index{0});
  if (by_activation) {
    std::ranges::stable_sort(order, [&](Index a, Index b) { return gram(a, a) > gram(b, b); });
  }
  return order;
}

// The upper triangle U with U^T U = (permuted gram)^-1. With the axes reversed, the Cholesky factor of the matrix is
// the inverse of that of its inverse; so nothing but a triangle is inverted.
Matrix inverse_factor(const Matrix &damped, const std::vector<Index> &order) {
  const Index n = damped.rows();
  Matrix reversed(n, n);
  for (Index c = 0; c < n; ++c) {
    for (Index r = 0; r < n; ++r) {
      reversed(n - 1 - r, n - 1 - c) = damped(order[static_cast<std::size_t>(r)], order[static_cast<std::size_t>(c)]);
    }
  }
  const Eigen::LLT<Matrix> factor(reversed);
  if (factor.info() != Eigen::Success) return {};
  const Matrix lower = factor.matrixL();
  const Matrix upper = lower.reverse();
  return upper.triangularView<Eigen::Upper>().solve(Matrix::Identity(n, n));
}

}  // namespace

std::vector<double> moment_errors(std::span<const double> gram, std::size_t columns,
                                  std::span<const double> differences) {
  const Index n = index(columns), m = index(differences.size() / columns);
  const Eigen::Map<const Matrix> h(gram.data(), n, n), e(differences.data(), n, m);
  const Matrix product = h.selfadjointView<Eigen::Lower>() * e;
  std::vector<double> errors(static_cast<std::size_t>(m));
  for (Index r = 0; r < m; ++r) errors[static_cast<std::size_t>(r)] = e.col(r).dot(product.col(r));
  return errors;
}

struct SecondOrderRounding::Factors {
  Matrix gram;    // without damping, both triangles
  Matrix damped;  // with it
  std::vector<Index> order;
  Matrix inverse;  // see inverse_factor()
  double ridge = 0;
  Eigen::LLT<Matrix> solver;  // with the ridge; made for fitted() alone
};

SecondOrderRounding::SecondOrderRounding(std::span<const double> gram, std::size_t columns,
                                         const RoundingChoices &choices)
    : factors_(std::make_unique<Factors>()), choices_(choices) {
  Factors &f = *factors_;
  f.gram = Eigen::Map<const Matrix>(gram.data(), index(columns), index(columns)).selfadjointView<Eigen::Lower>();
  f.order = order_of(f.gram, choices.by_activation);
  const double mean = std::max(f.gram.diagonal().mean(), 1e-30);
  // Moments of fewer samples than columns are singular: more damping is tried until a factor exists.
  for (double part = std::max(choices.damping, 1e-8);; part *= 10) {
    f.damped = f.gram;
    f.damped.diagonal().array() += part * mean;
    f.inverse = inverse_factor(f.damped, f.order);
    if (f.inverse.size() != 0 && f.inverse.allFinite()) break;
    if (part > kMostDamping) throw std::runtime_error("second moments that cannot be factorized");
  }
  if (!choices.fits) return;
  for (double part = std::max(choices.ridge, 1e-8);; part *= 10) {
    Matrix raised = f.gram;
    f.ridge = part * mean;
    raised.diagonal().array() += f.ridge;
    f.solver.compute(raised);
    if (f.solver.info() == Eigen::Success) break;
    if (part > kMostDamping) throw std::runtime_error("second moments that cannot be factorized");
  }
}

SecondOrderRounding::~SecondOrderRounding() = default;

double SecondOrderRounding::error(std::span<const double> difference) const {
  const Eigen::Map<const Eigen::VectorXd> e(difference.data(), index(difference.size()));
  return e.dot(factors_->gram * e);
}

std::vector<double> SecondOrderRounding::fitted(const WeightRows &rows, std::span<const double> cross,
                                                std::size_t outputs, std::size_t first) const {
  const Eigen::Map<const Matrix> all(cross.data(), index(outputs), index(rows.columns));
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const RowMajor> weight(rows.values.data(), index(rows.rows), index(rows.columns));
  const Matrix right = (all.middleRows(index(first), index(rows.rows)) + factors_->ridge * weight).transpose();
  const Matrix solved = factors_->solver.solve(right);  // columns x rows: each column is a row of the answer
  return {solved.data(), solved.data() + solved.size()};
}

namespace {

// One code after the other in the order of the factor; what is lost goes to the columns that follow.
void round_in_order(const Matrix &inverse, const std::vector<Index> &order, std::size_t block, const WeightRows &rows,
                    std::vector<float> &codes) {
  const Index n = inverse.rows(), m = index(rows.rows);
  Matrix left(m, n);
  for (Index c = 0; c < n; ++c) {
    for (Index r = 0; r < m; ++r) {
      left(r, c) = rows.values[static_cast<std::size_t>(r * n + order[static_cast<std::size_t>(c)])];
    }
  }
  for (Index begin = 0; begin < n; begin += index(block)) {
    const Index width = std::min(index(block), n - begin);
    Matrix lost = Matrix::Zero(m, width);
    for (Index i = 0; i < width; ++i) {
      const Index c = begin + i;
      for (Index r = 0; r < m; ++r) {
        const auto at = static_cast<std::size_t>(r * n + order[static_cast<std::size_t>(c)]);
        codes[at] = rows.code(at, left(r, c));
        const double given = static_cast<double>(codes[at]) * static_cast<double>(rows.scales[at]);
        lost(r, i) = (left(r, c) - given) / inverse(c, c);
      }
      const Index rest = width - i - 1;
      left.middleCols(c + 1, rest).noalias() -= lost.col(i) * inverse.row(c).segment(c + 1, rest);
    }
    const Index after = n - begin - width;
    left.rightCols(after).noalias() -= lost * inverse.block(begin, begin + width, width, after);
  }
}

// Moves single codes as long as the error falls.
void descend(const Matrix &gram, const WeightRows &rows, std::size_t row, std::size_t sweeps, std::span<double> e,
             std::span<float> codes) {
  Eigen::Map<Eigen::VectorXd> difference(e.data(), index(e.size()));
  Eigen::VectorXd slope = gram * difference;
  for (std::size_t sweep = 0; sweep < sweeps; ++sweep) {
    bool moved = false;
    for (std::size_t c = 0; c < rows.columns; ++c) {
      const std::size_t at = row * rows.columns + c;
      const Index i = index(c);
      const auto scale = static_cast<double>(rows.scales[at]);
      if (!(gram(i, i) > 0)) continue;
      const double wanted = static_cast<double>(codes[c]) - std::nearbyint(slope(i) / (gram(i, i) * scale));
      const double code = std::clamp(wanted, static_cast<double>(rows.low[at]), static_cast<double>(rows.high[at]));
      const double step = (code - static_cast<double>(codes[c])) * scale;
      if (step == 0 || step * (2 * slope(i) + step * gram(i, i)) >= 0) continue;
      codes[c] = static_cast<float>(code);
      difference(i) += step;
      slope += step * gram.col(i);
      moved = true;
    }
    if (!moved) return;
  }
}

std::vector<double> differences(const WeightRows &rows, std::size_t row, std::span<const float> codes) {
  std::vector<double> e(rows.columns);
  for (std::size_t c = 0; c < rows.columns; ++c) {
    const std::size_t at = row * rows.columns + c;
    e[c] = static_cast<double>(codes[c]) * static_cast<double>(rows.scales[at]) - rows.values[at];
  }
  return e;
}

}  // namespace

std::vector<float> SecondOrderRounding::round(const WeightRows &rows, RoundingGain &gain) const {
  const Factors &f = *factors_;
  std::vector<float> tuned(rows.values.size()), plain(rows.columns);
  round_in_order(f.inverse, f.order, choices_.block, rows, tuned);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < rows.columns; ++c) {
      plain[c] = rows.code(r * rows.columns + c, rows.values[r * rows.columns + c]);
    }
    const std::span<float> codes(tuned.data() + r * rows.columns, rows.columns);
    std::vector<double> e = differences(rows, r, codes);
    const double before = error(differences(rows, r, plain));
    if (!(error(e) < before)) {
      std::ranges::copy(plain, codes.begin());
      e = differences(rows, r, codes);
    }
    descend(f.damped, rows, r, choices_.sweeps, e, codes);
    double after = error(e);
    if (!(after < before)) std::ranges::copy(plain, codes.begin()), after = before;
    gain.plain += before;
    gain.tuned += after;
  }
  return tuned;
}

}  // namespace halftone::passes
