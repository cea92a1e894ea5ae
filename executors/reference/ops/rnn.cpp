// RNN: one gate. Source: the ONNX operator of this name.
#include "ops/recurrent.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

struct RnnCell {
  static constexpr std::int64_t kGates = 1;
  static constexpr bool kHasCellState = false;
  static std::vector<std::string> functions() { return {"Tanh"}; }

  explicit RnnCell(const sdk::OpNode &) {}
  void step(const RecurrentWeights &k, const std::vector<double> &x, std::vector<double> &h,
            std::vector<double> &) const {
    std::vector<double> next(h.size());
    for (std::size_t j = 0; j < h.size(); ++j) {
      next[j] = k.functions[0](k.clipped(x[j] + k.recur(static_cast<std::int64_t>(j), h.data()) + k.rb[j]));
    }
    h = next;
  }
};
using Rnn = RecurrentKernel<RnnCell>;

}  // namespace
HALFTONE_OP_KERNEL(Rnn, "RNN", 7, kNewest)
}  // namespace halftone::reference
