// Elementwise functions of two tensors with broadcasting.
#pragma once

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {

template <typename A, typename B, typename Y, typename Function>
void apply_binary(const ht_tensor_view &a, const ht_tensor_view &b, ht_tensor_view &y, Function function) {
  const ShapeSpan shape = shape_of(y);
  const A *pa = in_data<A>(a);
  const B *pb = in_data<B>(b);
  Y *py = out_data<Y>(y);
  for_each_row<3>(shape,
                  {strides_of(shape), broadcast_strides(shape_of(a), shape), broadcast_strides(shape_of(b), shape)},
                  [&](const auto &at, std::int64_t n, const auto &step) {
                    for (std::int64_t i = 0; i < n; ++i) {
                      py[at[0] + i] = static_cast<Y>(function(pa[at[1] + i * step[1]], pb[at[2] + i * step[2]]));
                    }
                  });
}

// Function::operator()<T>(T, T); the result has type T, or bool when kCompares.
template <typename Function, typename List, bool kCompares = false>
class BinaryKernel {
 public:
  explicit BinaryKernel(const sdk::OpNode &node) : function_(make(node)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, List{});
    if (inputs[0].dtype != inputs[1].dtype) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, std::string("inputs of different types: ") +
                                                  dtype_entry(inputs[0].dtype).name + " and " +
                                                  dtype_entry(inputs[1].dtype).name);
    }
    sdk::set_type(outputs[0], kCompares ? HT_BOOL : inputs[0].dtype,
                  broadcast(shape_of(inputs[0]), shape_of(inputs[1])));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, List{}, [&]<typename T>() {
      apply_binary<T, T, std::conditional_t<kCompares, bool, T>>(inputs[0], inputs[1], outputs[0], function_);
    });
  }

 private:
  static Function make(const sdk::OpNode &node) {
    if constexpr (std::is_constructible_v<Function, const sdk::OpNode &>) {
      return Function(node);
    } else {
      return Function{};
    }
  }
  Function function_;
};

}  // namespace halftone::reference
