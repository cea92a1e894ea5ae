// TensorScatter: an update written into a cache along the axis of the sequence, from each sample's place on. Source:
// ONNX operator TensorScatter, opset 24.
#include <algorithm>

#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class TensorScatter {
 public:
  explicit TensorScatter(const sdk::OpNode &node)
      : axis_(node.integer("axis", -2)), circular_(node.text("mode", "linear") == "circular") {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    Shape past = shape_copy(inputs[0]), update = shape_copy(inputs[1]);
    if (past.size() != update.size() || past.size() < 2) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the cache and the update have different ranks, or none");
    }
    const std::size_t axis = axis_of(axis_, past.size());
    if (axis == 0 || update[axis] > past[axis]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the update is longer than the cache, or the axis is that of the batch");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, past);
    past[axis] = update[axis];
    if (past != update) throw sdk::Failure(HT_INVALID_ARGUMENT, "the cache and the update differ in another axis");
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    copy_all(inputs[0], outputs[0]);
    const ShapeSpan past = shape_of(inputs[0]), update = shape_of(inputs[1]);
    const std::size_t axis = axis_of(axis_, past.size());
    const std::int64_t length = past[axis], count = update[axis], inner = count_of(past, axis + 1, past.size());
    const std::int64_t each = count_of(past, 1, axis);
    const Shape starts = sdk::present(inputs, 2) ? integers_of(inputs[2]) : Shape(static_cast<std::size_t>(past[0]), 0);
    dispatch_size(inputs[0].dtype, [&]<typename T>() {
      for (std::int64_t i = 0; i < past[0] * each * count; ++i) {
        const std::int64_t row = i / count;
        std::int64_t to = starts.at(static_cast<std::size_t>(row / each)) + i % count;
        if (circular_) to %= length;
        if (to < 0 || to >= length) throw sdk::Failure(HT_INVALID_ARGUMENT, "the update reaches beyond the cache");
        std::copy_n(in_data<T>(inputs[1]) + i * inner, inner, out_data<T>(outputs[0]) + (row * length + to) * inner);
      }
    });
  }

 private:
  std::int64_t axis_;
  bool circular_;
};

}  // namespace
HALFTONE_OP_KERNEL(TensorScatter, "TensorScatter", 24, kNewest)
}  // namespace halftone::reference
