// ReverseSequence: the first sequence_lens[b] steps of each batch entry in reverse. Source: ONNX operator of this name,
// opset 10.
#include <algorithm>

#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class ReverseSequence {
 public:
  explicit ReverseSequence(const sdk::OpNode &node)
      : batch_(static_cast<std::size_t>(node.integer("batch_axis", 1))),
        time_(static_cast<std::size_t>(node.integer("time_axis", 0))) {
    if (batch_ > 1 || time_ > 1 || batch_ == time_) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "batch_axis and time_axis must be 0 and 1, in either order");
    }
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].rank < 2 || count_of(inputs[1]) != inputs[0].shape[batch_]) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "sequence_lens has not one entry for each batch entry");
    }
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const ShapeSpan shape = shape_of(inputs[0]);
    const Shape lengths = integers_of(inputs[1]), strides = strides_of(shape);
    const std::int64_t inner = count_of(shape, 2, shape.size());
    dispatch_size(inputs[0].dtype, [&]<typename T>() {
      for (std::int64_t b = 0; b < shape[batch_]; ++b) {
        const std::int64_t length = lengths[static_cast<std::size_t>(b)];
        if (length < 0 || length > shape[time_]) {
          throw sdk::Failure(HT_INVALID_ARGUMENT, "a sequence length is outside of the time axis");
        }
        for (std::int64_t t = 0; t < shape[time_]; ++t) {
          const std::int64_t from = t < length ? length - 1 - t : t;
          std::copy_n(in_data<T>(inputs[0]) + b * strides[batch_] + from * strides[time_], inner,
                      out_data<T>(outputs[0]) + b * strides[batch_] + t * strides[time_]);
        }
      }
    });
  }

 private:
  std::size_t batch_, time_;
};

}  // namespace
HALFTONE_OP_KERNEL(ReverseSequence, "ReverseSequence", 10, kNewest)
}  // namespace halftone::reference
