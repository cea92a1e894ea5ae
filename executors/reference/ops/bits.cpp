// BitShift, BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot on integers. Source: ONNX operators of these names, opset 11
// and 18. A shift by the width or more gives 0, where C++ leaves the result open.
#include "ops/binary.h"
#include "ops/unary.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

struct Shift {
  explicit Shift(const sdk::OpNode &node) : left(node.text("direction", "") == "LEFT") {
    const std::string direction = node.text("direction", "");
    if (direction != "LEFT" && direction != "RIGHT") {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "direction '" + direction + "' is neither LEFT nor RIGHT");
    }
  }
  template <typename T>
  T operator()(T a, T b) const {
    if (b >= T{8 * sizeof(T)}) return T{0};
    const std::uint64_t wide = a;
    return static_cast<T>(left ? wide << b : wide >> b);
  }
  bool left;
};
struct And {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(a ^ b);
  }
};
struct Not {
  template <typename T>
  T operator()(T x) const {
    return static_cast<T>(~x);
  }
};

using BitShift = BinaryKernel<Shift, Types<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>>;
using BitwiseAnd = BinaryKernel<And, IntegerTypes>;
using BitwiseOr = BinaryKernel<Or, IntegerTypes>;
using BitwiseXor = BinaryKernel<Xor, IntegerTypes>;
using BitwiseNot = UnaryKernel<Not, IntegerTypes, false>;

}  // namespace
HALFTONE_OP_KERNEL(BitShift, "BitShift", 11, kNewest)
HALFTONE_OP_KERNEL(BitwiseAnd, "BitwiseAnd", 18, kNewest)
HALFTONE_OP_KERNEL(BitwiseOr, "BitwiseOr", 18, kNewest)
HALFTONE_OP_KERNEL(BitwiseXor, "BitwiseXor", 18, kNewest)
HALFTONE_OP_KERNEL(BitwiseNot, "BitwiseNot", 18, kNewest)
}  // namespace halftone::reference
