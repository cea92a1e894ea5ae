// Gradient of Slice: zeros around the box that was taken.
#include "ops/move.h"
#include "ops/slice_range.h"
#include "sums.h"

namespace halftone::gradients {
namespace {

class SliceGradient {
 public:
  static constexpr sdk::GradientUse kUse = {.reads_inputs = sdk::slots(1, 2, 3, 4), .differentiates = sdk::slots(0)};
  explicit SliceGradient(const sdk::OpNode &) {}
  void backward(const sdk::Backward &pass) const {
    if (!pass.wants()) return;
    const reference::SliceRange range(pass.inputs());
    std::ranges::fill(pass.dx(), 0.0F);
    reference::copy_box(HT_F32, range.shape, pass.dy().data(), 0, strides_of(range.shape), pass.dx().data(),
                        range.offset, range.strides);
  }
};

}  // namespace
HALFTONE_OP_GRADIENT(SliceGradient, "Slice", 10, kNewest)
}  // namespace halftone::gradients
