// LSTM: gates in the order input, output, forget, cell; peepholes optional. Source: the ONNX operator of this name.
#include "ops/recurrent.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

struct LstmCell {
  static constexpr std::int64_t kGates = 4;
  static constexpr bool kHasCellState = true;
  static std::vector<std::string> functions() { return {"Sigmoid", "Tanh", "Tanh"}; }

  explicit LstmCell(const sdk::OpNode &node) : coupled(node.flag("input_forget", false)) {}
  void step(const RecurrentWeights &k, const std::vector<double> &x, std::vector<double> &h,
            std::vector<double> &c) const {
    const Activation &f = k.functions[0], &g = k.functions[1], &out = k.functions[2];
    const auto n = static_cast<std::size_t>(k.hidden);
    std::vector<double> next(n);
    for (std::size_t j = 0; j < n; ++j) {
      const auto gate = [&](std::size_t number) {
        const std::size_t row = number * n + j;
        return x[row] + k.recur(static_cast<std::int64_t>(row), h.data()) + k.rb[row];
      };
      const double input = f(k.clipped(gate(0) + k.p[j] * c[j]));
      const double forget = coupled ? 1 - input : f(k.clipped(gate(2) + k.p[2 * n + j] * c[j]));
      const double cell = forget * c[j] + input * g(k.clipped(gate(3)));
      next[j] = f(k.clipped(gate(1) + k.p[n + j] * cell)) * out(cell);
      c[j] = cell;
    }
    h = next;
  }
  bool coupled;
};
using Lstm = RecurrentKernel<LstmCell>;

}  // namespace
HALFTONE_OP_KERNEL(Lstm, "LSTM", 7, kNewest)
}  // namespace halftone::reference
