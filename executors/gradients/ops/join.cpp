// Gradients of Concat and Split: each part has its stretch of the whole.
#include "ops/move.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

class ConcatGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots_from(0)};
  explicit ConcatGradient(const sdk::OpNode &node) : axis_(node.integer("axis", 1)) {}
  void backward(const sdk::Backward &pass) const {
    const Shape strides = strides_of(pass.output_shape());
    const std::size_t axis = axis_of(axis_, strides.size());
    std::int64_t at = 0;
    for (std::size_t slot = 0; slot < pass.input_count(); ++slot) {
      const ShapeSpan shape = pass.input_shape(slot);
      if (pass.wants(slot)) {
        reference::copy_box(HT_F32, shape, pass.dy().data(), at * strides[axis], strides, pass.dx(slot).data(), 0,
                            strides_of(shape));
      }
      at += shape[axis];
    }
  }

 private:
  std::int64_t axis_;
};

class SplitGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit SplitGradient(const sdk::OpNode &node) : axis_(node.integer("axis", 0)) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    std::ranges::fill(pass.dx(), 0.0F);
    const Shape strides = strides_of(pass.input_shape(0));
    const std::size_t axis = axis_of(axis_, strides.size());
    std::int64_t at = 0;
    for (std::size_t part = 0; part < pass.output_count(); ++part) {
      const ShapeSpan shape = pass.output_shape(part);
      if (pass.arrives(part)) {
        reference::copy_box(HT_F32, shape, pass.dy(part).data(), 0, strides_of(shape), pass.dx().data(),
                            at * strides[axis], strides);
      }
      at += shape[axis];
    }
  }

 private:
  std::int64_t axis_;
};

}  // namespace
HALFTONE_OP_GRADIENT(ConcatGradient, "Concat", 4, kNewest)
HALFTONE_OP_GRADIENT(SplitGradient, "Split", 2, kNewest)
}  // namespace halftone::gradients
