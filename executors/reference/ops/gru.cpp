// GRU: gates in the order update, reset, hidden. Source: the ONNX operator of this name.
#include "ops/recurrent.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

struct GruCell {
  static constexpr std::int64_t kGates = 3;
  static constexpr bool kHasCellState = false;
  static std::vector<std::string> functions() { return {"Sigmoid", "Tanh"}; }

  explicit GruCell(const sdk::OpNode &node) : linear_before_reset(node.flag("linear_before_reset", false)) {}
  void step(const RecurrentWeights &k, const std::vector<double> &x, std::vector<double> &h,
            std::vector<double> &) const {
    const Activation &f = k.functions[0], &g = k.functions[1];
    const auto n = static_cast<std::size_t>(k.hidden);
    const auto recur = [&](std::size_t row, const std::vector<double> &state) {
      return k.recur(static_cast<std::int64_t>(row), state.data()) + k.rb[row];
    };
    std::vector<double> update(n), reset(n), scaled(n), next(n);
    for (std::size_t j = 0; j < n; ++j) {
      update[j] = f(k.clipped(x[j] + recur(j, h)));
      reset[j] = f(k.clipped(x[n + j] + recur(n + j, h)));
      scaled[j] = reset[j] * h[j];
    }
    for (std::size_t j = 0; j < n; ++j) {
      const std::size_t row = 2 * n + j;
      const double hidden = linear_before_reset ? reset[j] * recur(row, h) : recur(row, scaled);
      next[j] = (1 - update[j]) * g(k.clipped(x[row] + hidden)) + update[j] * h[j];
    }
    h = next;
  }
  bool linear_before_reset;
};
using Gru = RecurrentKernel<GruCell>;

}  // namespace
HALFTONE_OP_KERNEL(Gru, "GRU", 7, kNewest)
}  // namespace halftone::reference
