// OneHot. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class OneHot {
 public:
  explicit OneHot(const sdk::OpNode &node) : axis_(node.integer("axis", -1)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (count_of(inputs[2]) != 2) throw sdk::Failure(HT_INVALID_ARGUMENT, "values must hold two elements, off and on");
    if (inputs[1].data == nullptr) throw sdk::needs_data();
    Shape shape = shape_copy(inputs[0]);
    const std::size_t axis = axis_of(axis_, shape.size() + 1);
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), numbers(inputs[1]).at(0));
    sdk::set_type(outputs[0], inputs[2].dtype, shape);
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Shape indices = numbers(inputs[0]);
    const std::size_t axis = axis_of(axis_, inputs[0].rank + std::size_t{1});
    const std::int64_t depth = outputs[0].shape[axis], inner = count_of(shape_of(inputs[0]), axis, inputs[0].rank);
    dispatch_size(inputs[2].dtype, [&]<typename T>() {
      const T off = in_data<T>(inputs[2])[0], on = in_data<T>(inputs[2])[1];
      T *to = out_data<T>(outputs[0]);
      std::fill_n(to, count_of(outputs[0]), off);
      for (std::size_t i = 0; i < indices.size(); ++i) {
        const std::int64_t at = static_cast<std::int64_t>(i);
        const std::int64_t index = indices[i] < 0 ? indices[i] + depth : indices[i];
        if (index >= 0 && index < depth) to[(at / inner * depth + index) * inner + at % inner] = on;
      }
    });
  }

 private:
  // Indices and depth may have any numeric type.
  static Shape numbers(const ht_tensor_view &t) {
    Shape out;
    dispatch(t.dtype, NumericTypes{}, [&]<typename T>() {
      for (std::int64_t i = 0; i < count_of(t); ++i) out.push_back(static_cast<std::int64_t>(in_data<T>(t)[i]));
    });
    return out;
  }
  std::int64_t axis_;
};

}  // namespace
HALFTONE_OP_KERNEL(OneHot, "OneHot", 9, kNewest)
}  // namespace halftone::reference
