// Gradients of Add, Sub, Mul, Div and Mod with broadcasting. Mod is a - b * n, n taken as constant.
#include <cmath>

#include "broadcasting.h"

namespace halftone::gradients {
namespace {

using Where = std::array<std::size_t, 2>;

template <int kSign>
class AddGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0, 1)};
  explicit AddGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    sum_to_operand<0>(pass, 0, {}, [](const auto &, std::size_t) { return 1.0; });
    sum_to_operand<0>(pass, 1, {}, [](const auto &, std::size_t) { return static_cast<double>(kSign); });
  }
};
using SumOfTwo = AddGradient<1>;
using Difference = AddGradient<-1>;

class MulGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1)};
  explicit MulGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    for (const std::size_t slot : {0, 1}) {
      if (!pass.wants(slot)) continue;
      const auto other = pass.x(1 - slot);
      sum_to_operand<1>(pass, slot, {1 - slot},
                        [&](const auto &at, std::size_t) { return static_cast<double>(other[at[0]]); });
    }
  }
};

class DivGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1)};
  explicit DivGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    const auto b = pass.x(1);
    sum_to_operand<1>(pass, 0, {1}, [&](const auto &at, std::size_t) { return 1.0 / static_cast<double>(b[at[0]]); });
    if (!pass.wants(1)) return;
    const auto a = pass.x(0);
    sum_to_operand<2>(pass, 1, {0, 1}, [&](const Where &at, std::size_t) {
      const auto divisor = static_cast<double>(b[at[1]]);
      return -static_cast<double>(a[at[0]]) / (divisor * divisor);
    });
  }
};

class ModGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(0, 1), .differentiates = sdk::slots(0, 1)};
  explicit ModGradient(const sdk::OpNode &node) : fmod_(node.flag("fmod", false)) {}
  void backward(const sdk::Backward &pass) const {
    sum_to_operand<0>(pass, 0, {}, [](const auto &, std::size_t) { return 1.0; });
    if (!pass.wants(1)) return;
    const auto a = pass.x(0), b = pass.x(1);
    sum_to_operand<2>(pass, 1, {0, 1}, [&](const Where &at, std::size_t) {
      const double ratio = static_cast<double>(a[at[0]]) / static_cast<double>(b[at[1]]);
      return -(fmod_ ? std::trunc(ratio) : std::floor(ratio));
    });
  }

 private:
  bool fmod_;
};

}  // namespace
HALFTONE_OP_GRADIENT(SumOfTwo, "Add", 7, kNewest)
HALFTONE_OP_GRADIENT(Difference, "Sub", 7, kNewest)
HALFTONE_OP_GRADIENT(MulGradient, "Mul", 7, kNewest)
HALFTONE_OP_GRADIENT(DivGradient, "Div", 7, kNewest)
HALFTONE_OP_GRADIENT(ModGradient, "Mod", 10, kNewest)
}  // namespace halftone::gradients
