// CenterCropPad: the middle of axes that are longer than asked, zeros around those that are shorter. Source: ONNX
// function CenterCropPad, opset 18.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class CenterCropPad {
 public:
  explicit CenterCropPad(const sdk::OpNode &node) : axes_(node.integers("axes")) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], inputs[0].dtype, target(inputs));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan from = shape_of(inputs[0]), to = shape_of(outputs[0]);
    const Shape from_strides = strides_of(from), to_strides = strides_of(to);
    Shape box(from.size());
    std::int64_t from_offset = 0, to_offset = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
      box[i] = std::min(from[i], to[i]);
      from_offset += (from[i] - box[i]) / 2 * from_strides[i];
      to_offset += (to[i] - box[i]) / 2 * to_strides[i];
    }
    const std::size_t bytes = bytes_of(outputs[0].dtype, count_of(outputs[0]));
    if (bytes != 0) std::memset(outputs[0].data, 0, bytes);
    copy_box(inputs[0].dtype, box, inputs[0].data, from_offset, from_strides, outputs[0].data, to_offset, to_strides);
  }

 private:
  Shape target(sdk::KernelInputs inputs) const {
    Shape shape = shape_copy(inputs[0]);
    const Shape wanted = integers_of(inputs[1]);
    if (wanted.size() != (axes_.empty() ? shape.size() : axes_.size())) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "shape has not one entry per axis");
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      shape[axes_.empty() ? i : axis_of(axes_[i], shape.size())] = wanted[i];
    }
    return shape;
  }
  Shape axes_;
};

}  // namespace
HALFTONE_OP_KERNEL(CenterCropPad, "CenterCropPad", 18, kNewest)
}  // namespace halftone::reference
