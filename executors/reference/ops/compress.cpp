// Compress: the slices along an axis, or the elements of the flattened tensor, whose condition is true. Source: ONNX
// operator Compress, opset 9 and 11.
#include <algorithm>
#include <optional>

#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Compress {
 public:
  explicit Compress(const sdk::OpNode &node) {
    if (node.attribute("axis")) axis_ = node.integer("axis", 0);
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    Shape shape = viewed(inputs[0]);
    const std::size_t axis = axis_ ? axis_of(*axis_, shape.size()) : 0;
    shape[axis] = static_cast<std::int64_t>(chosen(inputs[1], shape[axis]).size());
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Shape shape = viewed(inputs[0]);
    const std::size_t axis = axis_ ? axis_of(*axis_, shape.size()) : 0;
    const Shape kept = chosen(inputs[1], shape[axis]);
    const std::int64_t outer = count_of(shape, 0, axis), inner = count_of(shape, axis + 1, shape.size());
    dispatch_size(inputs[0].dtype, [&]<typename T>() {
      T *to = out_data<T>(outputs[0]);
      for (std::int64_t o = 0; o < outer; ++o) {
        for (const std::int64_t k : kept) {
          to = std::copy_n(in_data<T>(inputs[0]) + (o * shape[axis] + k) * inner, inner, to);
        }
      }
    });
  }

 private:
  // The tensor as the operator sees it: flat without an axis.
  Shape viewed(const ht_tensor_view &x) const { return axis_ ? shape_copy(x) : Shape{count_of(x)}; }
  // The condition may be shorter than the axis: what it does not reach is left out.
  static Shape chosen(const ht_tensor_view &condition, std::int64_t extent) {
    if (condition.data == nullptr) throw sdk::needs_data();
    if (count_of(condition) > extent) throw sdk::Failure(HT_INVALID_ARGUMENT, "the condition is longer than the axis");
    Shape out;
    for (std::int64_t i = 0; i < count_of(condition); ++i) {
      if (in_data<bool>(condition)[i]) out.push_back(i);
    }
    return out;
  }
  std::optional<std::int64_t> axis_;
};

}  // namespace
HALFTONE_OP_KERNEL(Compress, "Compress", 9, kNewest)
}  // namespace halftone::reference
