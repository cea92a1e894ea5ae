// Gradients of operators that leave the data as it is: Reshape, Flatten, Squeeze, Unsqueeze, Identity, Dropout (as it
// runs at inference), and Cast between floats, whose rounding is taken as the identity.
#include "ops/types.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

void copy(const sdk::Backward &pass) {
  if (pass.wants()) std::ranges::copy(pass.dy(), pass.dx().begin());
}

class Same {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit Same(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const { copy(pass); }
};

class CastGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit CastGradient(const sdk::OpNode &node) {
    if (node.attribute("to")) to_ = reference::dtype_of_onnx(node.integer("to", 0));
  }
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    if (is_float(pass.input_dtype(0)) && is_float(to_ == HT_DTYPE_NONE ? pass.input_dtype(1) : to_)) return copy(pass);
    std::ranges::fill(pass.dx(), 0.0F);
  }

 private:
  static bool is_float(ht_dtype dtype) {
    switch (dtype) {
      case HT_F32:
      case HT_F64:
      case HT_F16:
      case HT_BF16:
      case HT_F8E4M3FN:
      case HT_F8E5M2:
      case HT_F8E4M3FNUZ:
      case HT_F8E5M2FNUZ:
        return true;
      default:
        return false;
    }
  }
  ht_dtype to_ = HT_DTYPE_NONE;  // CastLike takes the second input's
};

class DropoutGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit DropoutGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    pass.arrives() ? copy(pass) : static_cast<void>(std::ranges::fill(pass.dx(), 0.0F));
  }
};

}  // namespace
HALFTONE_OP_GRADIENT(Same, "Identity", 1, kNewest)
HALFTONE_OP_GRADIENT(Same, "Reshape", 5, kNewest)
HALFTONE_OP_GRADIENT(Same, "Flatten", 1, kNewest)
HALFTONE_OP_GRADIENT(Same, "Squeeze", 1, kNewest)
HALFTONE_OP_GRADIENT(Same, "Unsqueeze", 1, kNewest)
HALFTONE_OP_GRADIENT(DropoutGradient, "Dropout", 7, kNewest)
HALFTONE_OP_GRADIENT(CastGradient, "Cast", 6, kNewest)
HALFTONE_OP_GRADIENT(CastGradient, "CastLike", 15, kNewest)
}  // namespace halftone::gradients
