// Slice with starts, ends, axes and steps from inputs. Source: the ONNX operator of this name.
#include <algorithm>

#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Slice {
 public:
  explicit Slice(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    sdk::set_type(outputs[0], inputs[0].dtype, Range(inputs).shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Range range(inputs);
    copy_box(inputs[0].dtype, range.shape, inputs[0].data, range.offset, range.strides, outputs[0].data, 0,
             strides_of(range.shape));
  }

 private:
  struct Range {
    explicit Range(sdk::KernelInputs inputs) : shape(shape_copy(inputs[0])), strides(strides_of(shape)) {
      const Shape starts = integers_of(inputs[1]), ends = integers_of(inputs[2]);
      Shape axes = sdk::present(inputs, 3) ? integers_of(inputs[3]) : Shape{};
      const Shape steps = sdk::present(inputs, 4) ? integers_of(inputs[4]) : Shape(starts.size(), 1);
      for (std::size_t i = axes.size(); i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
      if (ends.size() != starts.size() || steps.size() != starts.size() || axes.size() != starts.size()) {
        throw sdk::Failure(HT_INVALID_ARGUMENT, "starts, ends, axes and steps differ in length");
      }
      for (std::size_t i = 0; i < starts.size(); ++i)
        narrow(axis_of(axes[i], shape.size()), starts[i], ends[i], steps[i]);
    }
    void narrow(std::size_t axis, std::int64_t start, std::int64_t end, std::int64_t step) {
      if (step == 0) throw sdk::Failure(HT_INVALID_ARGUMENT, "a step of 0");
      const std::int64_t n = shape[axis], low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
      start = std::max<std::int64_t>(0, std::min(start < 0 ? start + n : start, high));
      end = std::clamp(end < 0 ? end + n : end, low, high);
      const std::int64_t span = step > 0 ? end - start : start - end;
      // A step beyond the extent takes one element; a smaller one with that effect keeps the rounding from overflowing.
      const std::int64_t stride = std::min(step > 0 ? step : (step == INT64_MIN ? INT64_MAX : -step), n + 1);
      shape[axis] = n == 0 || span <= 0 ? 0 : (span + stride - 1) / stride;
      offset += shape[axis] == 0 ? 0 : start * strides[axis];
      strides[axis] *= step > 0 ? stride : -stride;
    }
    Shape shape, strides;
    std::int64_t offset = 0;
  };
};

}  // namespace
HALFTONE_OP_KERNEL(Slice, "Slice", 10, kNewest)
}  // namespace halftone::reference
