// Operators through which nothing flows: steps, whose derivative is 0 wherever there is one, and results that are
// counts, indices or answers. What stands in front of them is constant for a trainer.
#include "sums.h"

namespace halftone::gradients {
namespace {

class Step {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit Step(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    if (pass.wants()) std::ranges::fill(pass.dx(), 0.0F);
  }
};

class Constant {
 public:
  static constexpr sdk::GradientUse kUse = {};
  explicit Constant(const sdk::OpNode &) {}
  void backward(const sdk::Backward &) const {}
};

}  // namespace
HALFTONE_OP_GRADIENT(Step, "Floor", 6, kNewest)
HALFTONE_OP_GRADIENT(Step, "Ceil", 6, kNewest)
HALFTONE_OP_GRADIENT(Step, "Round", 11, kNewest)
HALFTONE_OP_GRADIENT(Step, "Sign", 9, kNewest)
HALFTONE_OP_GRADIENT(Step, "Hardmax", 13, kNewest)
HALFTONE_OP_GRADIENT(Constant, "And", 7, kNewest)
HALFTONE_OP_GRADIENT(Constant, "ArgMax", 1, kNewest)
HALFTONE_OP_GRADIENT(Constant, "ArgMin", 1, kNewest)
HALFTONE_OP_GRADIENT(Constant, "Constant", 1, kNewest)
HALFTONE_OP_GRADIENT(Constant, "ConstantOfShape", 9, kNewest)
HALFTONE_OP_GRADIENT(Constant, "Equal", 7, kNewest)
HALFTONE_OP_GRADIENT(Constant, "EyeLike", 9, kNewest)
HALFTONE_OP_GRADIENT(Constant, "Greater", 7, kNewest)
HALFTONE_OP_GRADIENT(Constant, "GreaterOrEqual", 12, kNewest)
HALFTONE_OP_GRADIENT(Constant, "IsInf", 10, kNewest)
HALFTONE_OP_GRADIENT(Constant, "IsNaN", 9, kNewest)
HALFTONE_OP_GRADIENT(Constant, "Less", 7, kNewest)
HALFTONE_OP_GRADIENT(Constant, "LessOrEqual", 12, kNewest)
HALFTONE_OP_GRADIENT(Constant, "NonMaxSuppression", 10, kNewest)
HALFTONE_OP_GRADIENT(Constant, "NonZero", 9, kNewest)
HALFTONE_OP_GRADIENT(Constant, "Not", 1, kNewest)
HALFTONE_OP_GRADIENT(Constant, "Or", 7, kNewest)
HALFTONE_OP_GRADIENT(Constant, "Range", 11, kNewest)
HALFTONE_OP_GRADIENT(Constant, "Shape", 1, kNewest)
HALFTONE_OP_GRADIENT(Constant, "Size", 1, kNewest)
HALFTONE_OP_GRADIENT(Constant, "Xor", 7, kNewest)
}  // namespace halftone::gradients
