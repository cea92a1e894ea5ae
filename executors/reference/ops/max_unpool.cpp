// MaxUnpool: each value back at the place that MaxPool's second output named, zeros elsewhere. Source: ONNX operator
// MaxUnpool, opset 9 and 11.
#include <algorithm>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class MaxUnpool {
 public:
  explicit MaxUnpool(const sdk::OpNode &node)
      : kernel_(node.integers("kernel_shape")), pads_(node.integers("pads")), strides_(node.integers("strides")) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (shape_copy(inputs[0]) != shape_copy(inputs[1]) || inputs[0].rank != kernel_.size() + 2) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of X, I and kernel_shape do not fit");
    }
    const Shape shape = sdk::present(inputs, 2) ? integers_of(inputs[2]) : pooled_from(inputs[0]);
    if (shape.size() != inputs[0].rank) throw sdk::Failure(HT_INVALID_ARGUMENT, "output_shape has another rank than X");
    sdk::set_type(outputs[0], inputs[0].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    // Indices count in the tensor that was pooled; where output_shape is greater, that tensor lies at its beginning.
    const Shape from = pooled_from(inputs[0]), to = shape_copy(outputs[0]), strides = strides_of(to);
    const std::int64_t count = count_of(from);
    dispatch_size(inputs[0].dtype, [&]<typename T>() {
      T *y = out_data<T>(outputs[0]);
      std::fill_n(y, count_of(to), T{});
      for (std::int64_t i = 0; i < count_of(inputs[0]); ++i) {
        std::int64_t left = in_data<std::int64_t>(inputs[1])[i], at = 0;
        if (left < 0 || left >= count) throw sdk::Failure(HT_INVALID_ARGUMENT, "an index is outside of the output");
        for (std::size_t axis = from.size(); axis-- > 0;) {
          const std::int64_t k = left % from[axis];
          left /= from[axis];
          if (k >= to[axis]) throw sdk::Failure(HT_INVALID_ARGUMENT, "an index is outside of output_shape");
          at += k * strides[axis];
        }
        y[at] = in_data<T>(inputs[0])[i];
      }
    });
  }

 private:
  // The shape whose pooling gave X.
  Shape pooled_from(const ht_tensor_view &x) const {
    Shape shape = shape_copy(x);
    const std::size_t n = kernel_.size();
    const auto at = [](const Shape &values, std::size_t i, std::int64_t deflt) {
      return i < values.size() ? values[i] : deflt;
    };
    for (std::size_t i = 0; i < n; ++i) {
      shape[i + 2] = (shape[i + 2] - 1) * at(strides_, i, 1) - at(pads_, i, 0) - at(pads_, i + n, 0) + kernel_[i];
    }
    return shape;
  }
  Shape kernel_, pads_, strides_;
};

}  // namespace
HALFTONE_OP_KERNEL(MaxUnpool, "MaxUnpool", 9, kNewest)
}  // namespace halftone::reference
