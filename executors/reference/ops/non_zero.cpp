// NonZero: the indices of elements that are not zero, one column each. Source: the ONNX operator of this name.
#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

using NonZeroTypes = Types<float, double, std::int32_t, std::int64_t, std::int8_t, std::uint8_t, std::int16_t,
                           std::uint16_t, std::uint32_t, std::uint64_t, bool, Float16, BFloat16>;

class NonZero {
 public:
  explicit NonZero(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    if (inputs[0].data == nullptr) throw sdk::needs_data();
    const auto found = static_cast<std::int64_t>(offsets(inputs[0]).size());
    sdk::set_type(outputs[0], HT_I64, Shape{static_cast<std::int64_t>(inputs[0].rank), found});
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    const Shape found = offsets(inputs[0]), strides = strides_of(shape_of(inputs[0]));
    std::int64_t *to = out_data<std::int64_t>(outputs[0]);
    for (std::size_t axis = 0; axis < strides.size(); ++axis) {
      for (const std::int64_t offset : found) *to++ = offset / strides[axis] % inputs[0].shape[axis];
    }
  }

 private:
  static Shape offsets(const ht_tensor_view &x) {
    Shape found;
    dispatch(x.dtype, NonZeroTypes{}, [&]<typename T>() {
      const std::int64_t n = count_of(x);
      for (std::int64_t i = 0; i < n; ++i) {
        if (in_data<T>(x)[i] != T{}) found.push_back(i);
      }
    });
    return found;
  }
};

}  // namespace
HALFTONE_OP_KERNEL(NonZero, "NonZero", 9, kNewest)
}  // namespace halftone::reference
