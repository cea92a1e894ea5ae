// Add, Sub, Mul, Div, Mod. Integers wrap; integer division by zero gives 0, as nothing better is specified.
// Source: the ONNX operators of these names.
#include <cmath>

#include "ops/binary.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

// Unsigned arithmetic is what wraps without undefined behaviour; small types would promote to int.
template <typename T>
using Wrapping = std::conditional_t<kIsReal<T>, T, std::uint64_t>;

struct Add {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
  }
};
struct Sub {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Wrapping<T>>(a) - static_cast<Wrapping<T>>(b));
  }
};
struct Mul {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
  }
};
struct Div {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (kIsReal<T>) {
      return a / b;
    } else {
      if (b == T{0}) return T{0};
      if constexpr (std::is_signed_v<T>) {
        if (b == T{-1}) return Sub{}(T{0}, a);  // the one quotient that overflows
      }
      return static_cast<T>(a / b);
    }
  }
};
struct Mod {
  explicit Mod(const sdk::OpNode &node) : fmod(node.flag("fmod", false)) {}
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (kIsReal<T>) {
      const double x = static_cast<double>(a), y = static_cast<double>(b), r = std::fmod(x, y);
      return static_cast<T>(fmod || r == 0 || (r < 0) == (y < 0) ? r : r + y);
    } else {
      if (b == T{0} || static_cast<T>(b + T{1}) == T{0}) return unsigned_or_zero(a, b);
      const T r = static_cast<T>(a % b);
      return fmod || r == T{0} || (r < T{0}) == (b < T{0}) ? r : static_cast<T>(r + b);  // the divisor's sign
    }
  }
  // b is 0, or -1 of a signed type (whose remainder is 0), or the greatest value of an unsigned one.
  template <typename T>
  static T unsigned_or_zero(T a, T b) {
    if (std::is_signed_v<T> || b == T{0}) return T{0};
    return static_cast<T>(a % b);
  }
  bool fmod;
};

using AddKernel = BinaryKernel<Add, NumericTypes>;
using SubKernel = BinaryKernel<Sub, NumericTypes>;
using MulKernel = BinaryKernel<Mul, NumericTypes>;
using DivKernel = BinaryKernel<Div, NumericTypes>;
using ModKernel = BinaryKernel<Mod, NumericTypes>;

}  // namespace
HALFTONE_OP_KERNEL(AddKernel, "Add", 7, kNewest)
HALFTONE_OP_KERNEL(SubKernel, "Sub", 7, kNewest)
HALFTONE_OP_KERNEL(MulKernel, "Mul", 7, kNewest)
HALFTONE_OP_KERNEL(DivKernel, "Div", 7, kNewest)
HALFTONE_OP_KERNEL(ModKernel, "Mod", 10, kNewest)
}  // namespace halftone::reference
