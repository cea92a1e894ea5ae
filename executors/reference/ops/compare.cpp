// Comparisons and logic. Source: the ONNX operators of these names.
#include "ops/binary.h"
#include "ops/unary.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

using ComparableTypes = Types<float, double, std::int32_t, std::int64_t, std::int8_t, std::uint8_t, std::int16_t,
                              std::uint16_t, std::uint32_t, std::uint64_t, bool, Float16, BFloat16>;

#define HALFTONE_COMPARISON(Name, List, expression) \
  struct Name {                                     \
    template <typename T>                           \
    bool operator()(T a, T b) const {               \
      return expression;                            \
    }                                               \
  };                                                \
  using Name##Kernel = BinaryKernel<Name, List, true>;

HALFTONE_COMPARISON(Equal, ComparableTypes, a == b)
HALFTONE_COMPARISON(Greater, NumericTypes, a > b)
HALFTONE_COMPARISON(GreaterOrEqual, NumericTypes, a >= b)
HALFTONE_COMPARISON(Less, NumericTypes, a < b)
HALFTONE_COMPARISON(LessOrEqual, NumericTypes, a <= b)
HALFTONE_COMPARISON(And, Types<bool>, a &&b)
HALFTONE_COMPARISON(Or, Types<bool>, a || b)
HALFTONE_COMPARISON(Xor, Types<bool>, a != b)

struct Not {
  bool operator()(bool x) const { return !x; }
};
using NotKernel = UnaryKernel<Not, Types<bool>, false>;

}  // namespace
HALFTONE_OP_KERNEL(EqualKernel, "Equal", 7, kNewest)
HALFTONE_OP_KERNEL(GreaterKernel, "Greater", 7, kNewest)
HALFTONE_OP_KERNEL(GreaterOrEqualKernel, "GreaterOrEqual", 12, kNewest)
HALFTONE_OP_KERNEL(LessKernel, "Less", 7, kNewest)
HALFTONE_OP_KERNEL(LessOrEqualKernel, "LessOrEqual", 12, kNewest)
HALFTONE_OP_KERNEL(AndKernel, "And", 7, kNewest)
HALFTONE_OP_KERNEL(OrKernel, "Or", 7, kNewest)
HALFTONE_OP_KERNEL(XorKernel, "Xor", 7, kNewest)
HALFTONE_OP_KERNEL(NotKernel, "Not", 1, kNewest)
}  // namespace halftone::reference
