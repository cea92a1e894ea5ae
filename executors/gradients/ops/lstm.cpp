// Gradient of LSTM: gates in the order input, output, forget, cell; peepholes optional.
#include "recurrent.h"

namespace halftone::gradients {
namespace {

struct LstmCell {
  static constexpr std::int64_t kGates = 4;
  static constexpr bool kHasCellState = true;
  static std::vector<std::string> functions() { return {"Sigmoid", "Tanh", "Tanh"}; }

  explicit LstmCell(const sdk::OpNode &node) : coupled(node.flag("input_forget", false)) {}
  // Keeps the gates before their functions, peepholes included, and the cell state after the step.
  void forward(const RecurrentCellContext &k, RecurrentStep &step, Reals &h, Reals &c) const {
    const std::size_t n = k.hidden;
    step.kept = {Reals(4 * n), Reals(n)};
    Reals &gates = step.kept[0], &cell = step.kept[1];
    const Reals &p = k.weights.p;
    for (std::size_t row = 0; row < 4 * n; ++row) gates[row] = step.x[row] + k.recur(row, step.h);
    for (std::size_t j = 0; j < n; ++j) {
      gates[j] += p[j] * step.c[j];
      gates[2 * n + j] += p[2 * n + j] * step.c[j];
      const double input = k.apply(0, gates[j]);
      cell[j] = forget(k, gates, j) * step.c[j] + input * k.apply(1, gates[3 * n + j]);
      gates[n + j] += p[n + j] * cell[j];
      h[j] = k.apply(0, gates[n + j]) * k.functions[2](cell[j]);
    }
    c = cell;
  }
  void backward(const RecurrentCellContext &k, const RecurrentStep &step, Reals &dh, Reals &dc, Reals &dx,
                RecurrentParameters &sums) const {
    const std::size_t n = k.hidden;
    const Reals &gates = step.kept[0], &cell = step.kept[1], &p = k.weights.p;
    for (std::size_t j = 0; j < n; ++j) {
      const double output = k.apply(0, gates[n + j]), input = k.apply(0, gates[j]);
      dx[n + j] = dh[j] * k.functions[2](cell[j]) * k.slope(0, gates[n + j]);
      const double dcell = dc[j] + dh[j] * output * k.functions[2].slope(cell[j]) + dx[n + j] * p[n + j];
      const double dforget = dcell * step.c[j];
      const double dinput = dcell * k.apply(1, gates[3 * n + j]) - (coupled ? dforget : 0.0);
      dx[3 * n + j] = dcell * input * k.slope(1, gates[3 * n + j]);
      dx[2 * n + j] = coupled ? 0.0 : dforget * k.slope(0, gates[2 * n + j]);
      dx[j] = dinput * k.slope(0, gates[j]);
      sums.p[j] += dx[j] * step.c[j];
      sums.p[n + j] += dx[n + j] * cell[j];
      sums.p[2 * n + j] += dx[2 * n + j] * step.c[j];
      dc[j] = dcell * forget(k, gates, j) + dx[j] * p[j] + dx[2 * n + j] * p[2 * n + j];
    }
    std::ranges::fill(dh, 0.0);
    for (std::size_t row = 0; row < 4 * n; ++row) k.recur_backward(row, dx[row], step.h, sums, dh);
  }
  double forget(const RecurrentCellContext &k, const Reals &gates, std::size_t j) const {
    return coupled ? 1 - k.apply(0, gates[j]) : k.apply(0, gates[2 * k.hidden + j]);
  }
  bool coupled;
};
using Lstm = RecurrentGradient<LstmCell>;

}  // namespace
HALFTONE_OP_GRADIENT(Lstm, "LSTM", 7, kNewest)
}  // namespace halftone::gradients
