// Gradients of operators that permute elements: Transpose, DepthToSpace, SpaceToDepth.
#include "ops/blocks.h"
#include "ops/move.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

class TransposeGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit TransposeGradient(const sdk::OpNode &node) : perm_(node.integers("perm")) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const Shape own = strides_of(pass.input_shape(0));
    Shape strides;  // of the input under the output's axes
    for (std::size_t i = 0; i < own.size(); ++i) {
      strides.push_back(own[perm_.empty() ? own.size() - 1 - i : axis_of(perm_.at(i), own.size())]);
    }
    const ShapeSpan shape = pass.output_shape();
    reference::copy_box(HT_F32, shape, pass.dy().data(), 0, strides_of(shape), pass.dx().data(), 0, strides);
  }

 private:
  Shape perm_;
};

// kDeep: the input is the deep side.
template <bool kDeep>
class BlocksGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.differentiates = sdk::slots(0)};
  explicit BlocksGradient(const sdk::OpNode &node)
      : size_(reference::block_size(node)), crd_(kDeep && node.text("mode", "DCR") == "CRD") {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const ShapeSpan wide = kDeep ? pass.output_shape() : pass.input_shape(0);
    const reference::Blocks b(wide[0], wide[1], wide[2] / size_, wide[3] / size_, size_, crd_);
    reference::copy_box(HT_F32, b.shape, pass.dy().data(), 0, kDeep ? b.wide_strides : b.deep_strides, pass.dx().data(),
                        0, kDeep ? b.deep_strides : b.wide_strides);
  }

 private:
  std::int64_t size_;
  bool crd_;
};

}  // namespace
HALFTONE_OP_GRADIENT(TransposeGradient, "Transpose", 1, kNewest)
HALFTONE_OP_GRADIENT(BlocksGradient<true>, "DepthToSpace", 1, kNewest)
HALFTONE_OP_GRADIENT(BlocksGradient<false>, "SpaceToDepth", 1, kNewest)
}  // namespace halftone::gradients
