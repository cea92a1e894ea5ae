// Gradients of GRU, with gates in the order update, reset, hidden, and of RNN, which has one.
#include "recurrent.h"

namespace halftone::gradients {
namespace {

struct GruCell {
  static constexpr std::int64_t kGates = 3;
  static constexpr bool kHasCellState = false;
  static std::vector<std::string> functions() { return {"Sigmoid", "Tanh"}; }

  explicit GruCell(const sdk::OpNode &node) : linear_before_reset(node.flag("linear_before_reset", false)) {}
  // Keeps the gates before their functions, what the recurrence matrix of the hidden gate is applied to, and its
  // result.
  void forward(const RecurrentCellContext &k, RecurrentStep &step, Reals &h, Reals &) const {
    const std::size_t n = k.hidden;
    step.kept = {Reals(3 * n), step.h, Reals(n)};
    Reals &gates = step.kept[0], &operand = step.kept[1], &recurred = step.kept[2];
    for (std::size_t row = 0; row < 2 * n; ++row) gates[row] = step.x[row] + k.recur(row, step.h);
    for (std::size_t j = 0; j < n && !linear_before_reset; ++j) operand[j] *= k.apply(0, gates[n + j]);
    for (std::size_t j = 0; j < n; ++j) {
      recurred[j] = k.recur(2 * n + j, operand);
      gates[2 * n + j] =
          step.x[2 * n + j] + (linear_before_reset ? k.apply(0, gates[n + j]) * recurred[j] : recurred[j]);
    }
    for (std::size_t j = 0; j < n; ++j) {
      const double update = k.apply(0, gates[j]);
      h[j] = (1 - update) * k.apply(1, gates[2 * n + j]) + update * step.h[j];
    }
  }
  void backward(const RecurrentCellContext &k, const RecurrentStep &step, Reals &dh, Reals &, Reals &dx,
                RecurrentParameters &sums) const {
    const std::size_t n = k.hidden;
    const Reals &gates = step.kept[0], &operand = step.kept[1], &recurred = step.kept[2];
    Reals before(n), doperand(n, 0.0), dreset(n);
    for (std::size_t j = 0; j < n; ++j) {
      const double update = k.apply(0, gates[j]), next = k.apply(1, gates[2 * n + j]);
      dx[j] = dh[j] * (step.h[j] - next) * k.slope(0, gates[j]);
      dx[2 * n + j] = dh[j] * (1 - update) * k.slope(1, gates[2 * n + j]);
      before[j] = dh[j] * update;
      const double flow = linear_before_reset ? dx[2 * n + j] * k.apply(0, gates[n + j]) : dx[2 * n + j];
      dreset[j] = dx[2 * n + j] * recurred[j];
      k.recur_backward(2 * n + j, flow, operand, sums, doperand);
    }
    for (std::size_t j = 0; j < n; ++j) {
      if (!linear_before_reset) {
        dreset[j] = doperand[j] * step.h[j];
        before[j] += doperand[j] * k.apply(0, gates[n + j]);
      } else {
        before[j] += doperand[j];
      }
      dx[n + j] = dreset[j] * k.slope(0, gates[n + j]);
    }
    for (std::size_t row = 0; row < 2 * n; ++row) k.recur_backward(row, dx[row], step.h, sums, before);
    dh = before;
  }
  bool linear_before_reset;
};

struct RnnCell {
  static constexpr std::int64_t kGates = 1;
  static constexpr bool kHasCellState = false;
  static std::vector<std::string> functions() { return {"Tanh"}; }

  explicit RnnCell(const sdk::OpNode &) {}
  void forward(const RecurrentCellContext &k, RecurrentStep &step, Reals &h, Reals &) const {
    step.kept = {step.x};
    for (std::size_t j = 0; j < k.hidden; ++j) step.kept[0][j] += k.recur(j, step.h);
    for (std::size_t j = 0; j < k.hidden; ++j) h[j] = k.apply(0, step.kept[0][j]);
  }
  void backward(const RecurrentCellContext &k, const RecurrentStep &step, Reals &dh, Reals &, Reals &dx,
                RecurrentParameters &sums) const {
    for (std::size_t j = 0; j < k.hidden; ++j) dx[j] = dh[j] * k.slope(0, step.kept[0][j]);
    std::ranges::fill(dh, 0.0);
    for (std::size_t j = 0; j < k.hidden; ++j) k.recur_backward(j, dx[j], step.h, sums, dh);
  }
};
using Gru = RecurrentGradient<GruCell>;
using Rnn = RecurrentGradient<RnnCell>;

}  // namespace
HALFTONE_OP_GRADIENT(Gru, "GRU", 7, kNewest)
HALFTONE_OP_GRADIENT(Rnn, "RNN", 7, kNewest)
}  // namespace halftone::gradients
