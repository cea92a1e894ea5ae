// Gradient of Where: to the operand that was chosen.
#include "broadcasting.h"

namespace halftone::gradients {
namespace {

class WhereGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0), .differentiates = sdk::slots(1, 2)};
  explicit WhereGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    const auto *condition = static_cast<const bool *>(pass.input(0).data);
    for (const std::size_t slot : {1, 2}) {
      sum_to_operand<1>(pass, slot, {0},
                        [&](const auto &at, std::size_t) { return condition[at[0]] == (slot == 1) ? 1.0 : 0.0; });
    }
  }
};

}  // namespace
HALFTONE_OP_GRADIENT(WhereGradient, "Where", 9, kNewest)
}  // namespace halftone::gradients
