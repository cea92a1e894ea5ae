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

// The factor L, L L^T = the damped moments with the columns in reversed order, in the lower triangle; empty when they
// are not positive definite. docs/passes/correction.md says why no inverse is needed.
Matrix reversed_factor(const Matrix &gram, double damping, const std::vector<Index> &order) {
  const Index n = gram.rows();
  Matrix reversed(n, n);
  for (Index c = 0; c < n; ++c) {
    const Index column = order[static_cast<std::size_t>(n - 1 - c)];
    for (Index r = c; r < n; ++r) reversed(r, c) = gram(order[static_cast<std::size_t>(n - 1 - r)], column);
    reversed(c, c) += damping;
  }
  const Eigen::LLT<Eigen::Ref<Matrix>> factor(reversed);  // in place
  if (factor.info() != Eigen::Success) return {};
  for (Index c = 0; c < n; ++c) {
    if (!reversed.col(c).tail(n - c).allFinite()) return {};
  }
  return reversed;
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
  Matrix gram;         // without damping, both triangles
  double damping = 0;  // of its diagonal
  std::vector<Index> order;
  Matrix factor;  // see reversed_factor()
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
    f.damping = part * mean;
    f.factor = reversed_factor(f.gram, f.damping, f.order);
    if (f.factor.size() != 0) break;
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

// One code after the other in the order of the factor, each with what the ones before it lost made up for: with e the
// errors so far, column k is rounded from w_k - sum over j of L(j, k) e_j / L(k, k). In the reversed order of the
// factor these j lie below k. What whole blocks lost is brought to a block at once.
void round_in_order(const Matrix &factor, const std::vector<Index> &order, std::size_t block, const WeightRows &rows,
                    std::vector<float> &codes) {
  const Index n = factor.rows(), m = index(rows.rows);
  Matrix lost(n, m);  // in the order of the factor
  for (Index end = n; end > 0;) {
    const Index begin = std::max<Index>(end - index(block), 0), width = end - begin, done = n - end;
    Matrix owed = Matrix::Zero(width, m);
    if (done > 0) owed.noalias() = factor.block(end, begin, done, width).transpose() * lost.bottomRows(done);
    for (Index i = width - 1; i >= 0; --i) {
      const Index k = begin + i, later = width - 1 - i;
      const auto column = static_cast<std::size_t>(order[static_cast<std::size_t>(n - 1 - k)]);
      for (Index r = 0; r < m; ++r) {
        const double own = owed(i, r) + factor.col(k).segment(k + 1, later).dot(lost.col(r).segment(k + 1, later));
        const auto at = static_cast<std::size_t>(r * n) + column;
        codes[at] = rows.code(at, rows.values[at] - own / factor(k, k));
        lost(k, r) = static_cast<double>(codes[at]) * static_cast<double>(rows.scales[at]) - rows.values[at];
      }
    }
    end = begin;
  }
}

// Moves single codes as long as the error falls; `slope` is the damped moments times the differences, and both are kept
// up.
void descend(const Matrix &gram, double damping, const WeightRows &rows, std::size_t row, std::size_t sweeps,
             Eigen::Ref<Eigen::VectorXd> difference, Eigen::Ref<Eigen::VectorXd> slope, std::span<float> codes) {
  for (std::size_t sweep = 0; sweep < sweeps; ++sweep) {
    bool moved = false;
    for (std::size_t c = 0; c < rows.columns; ++c) {
      const std::size_t at = row * rows.columns + c;
      const Index i = index(c);
      const double own = gram(i, i) + damping;
      const auto scale = static_cast<double>(rows.scales[at]);
      if (!(own > 0)) continue;
      const double wanted = static_cast<double>(codes[c]) - std::nearbyint(slope(i) / (own * scale));
      const double code = std::clamp(wanted, static_cast<double>(rows.low[at]), static_cast<double>(rows.high[at]));
      const double step = (code - static_cast<double>(codes[c])) * scale;
      if (step == 0 || step * (2 * slope(i) + step * own) >= 0) continue;
      codes[c] = static_cast<float>(code);
      difference(i) += step;
      slope += step * gram.col(i);
      slope(i) += step * damping;
      moved = true;
    }
    if (!moved) return;
  }
}

// What the codes differ by from the rows, a column for each row.
Matrix differences(const WeightRows &rows, std::span<const float> codes) {
  Matrix e(index(rows.columns), index(rows.rows));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    e.data()[i] = static_cast<double>(codes[i]) * static_cast<double>(rows.scales[i]) - rows.values[i];
  }
  return e;
}

}  // namespace

std::vector<float> SecondOrderRounding::round(const WeightRows &rows, RoundingGain &gain) const {
  const Factors &f = *factors_;
  std::vector<float> tuned(rows.values.size()), plain(rows.values.size());
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = rows.code(i, rows.values[i]);
  round_in_order(f.factor, f.order, choices_.block, rows, tuned);
  const Matrix plain_error = differences(rows, plain), plain_slope = f.gram * plain_error;
  Matrix error = differences(rows, tuned);
  Matrix slope = f.gram * error;
  for (std::size_t r = 0; r < rows.rows; ++r) {
    const Index row = index(r);
    const std::span<float> codes(tuned.data() + r * rows.columns, rows.columns);
    const std::span<const float> nearest(plain.data() + r * rows.columns, rows.columns);
    const double before = plain_error.col(row).dot(plain_slope.col(row));
    if (!(error.col(row).dot(slope.col(row)) < before)) {
      std::ranges::copy(nearest, codes.begin());
      error.col(row) = plain_error.col(row);
      slope.col(row) = plain_slope.col(row);
    }
    slope.col(row) += f.damping * error.col(row);
    descend(f.gram, f.damping, rows, r, choices_.sweeps, error.col(row), slope.col(row), codes);
    double after = error.col(row).dot(slope.col(row)) - f.damping * error.col(row).squaredNorm();
    if (!(after < before)) std::ranges::copy(nearest, codes.begin()), after = before;
    gain.plain += before;
    gain.tuned += after;
  }
  return tuned;
}

}  // namespace halftone::passes
