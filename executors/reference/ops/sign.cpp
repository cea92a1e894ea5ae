// Functions of one number of any numeric type: Abs, Neg, Sign, Relu. Source: the ONNX operators of these names.
#include "ops/unary.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

struct Abs {
  template <typename T>
  T operator()(T x) const {
    if constexpr (kIsReal<T>)
      return static_cast<T>(std::fabs(static_cast<double>(x)));
    else
      return static_cast<T>(x < T{0} ? T{0} - x : x);
  }
};
struct Neg {
  template <typename T>
  T operator()(T x) const {
    if constexpr (kIsReal<T>)
      return -x;
    else
      return static_cast<T>(T{0} - x);
  }
};
struct Sign {
  template <typename T>
  T operator()(T x) const {
    return static_cast<T>(x > T{0} ? 1 : (x < T{0} ? -1 : 0));
  }
};
struct Relu {
  template <typename T>
  T operator()(T x) const {
    return x < T{0} ? T{0} : x;  // keeps NaN
  }
};
using AbsKernel = NumericUnary<Abs>;
using NegKernel = NumericUnary<Neg>;
using SignKernel = NumericUnary<Sign>;
using ReluKernel = NumericUnary<Relu>;

}  // namespace
HALFTONE_OP_KERNEL(AbsKernel, "Abs", 6, kNewest)
HALFTONE_OP_KERNEL(NegKernel, "Neg", 6, kNewest)
HALFTONE_OP_KERNEL(SignKernel, "Sign", 9, kNewest)
HALFTONE_OP_KERNEL(ReluKernel, "Relu", 6, kNewest)
}  // namespace halftone::reference
