// Elementwise functions of one tensor. A function class has a constructor from OpNode and operator()(x).
#pragma once

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {

// `Function` computes in `List`'s own types when kWide is false, in double (rounded once) when it is true.
template <typename Function, typename List, bool kWide>
class UnaryKernel {
 public:
  explicit UnaryKernel(const sdk::OpNode &node) : function_(make(node)) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, List{});
    sdk::set_type(outputs[0], inputs[0].dtype, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, List{}, [&]<typename T>() {
      const T *x = in_data<T>(inputs[0]);
      T *y = out_data<T>(outputs[0]);
      const std::int64_t n = count_of(inputs[0]);
      for (std::int64_t i = 0; i < n; ++i) {
        if constexpr (kWide) {
          y[i] = static_cast<T>(function_(static_cast<double>(x[i])));
        } else {
          y[i] = static_cast<T>(function_(x[i]));
        }
      }
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

template <typename Function>
using FloatUnary = UnaryKernel<Function, FloatTypes, true>;
template <typename Function>
using NumericUnary = UnaryKernel<Function, NumericTypes, false>;

}  // namespace halftone::reference
