// Pow: base and exponent may have different types; the result has the base's. Source: the ONNX operator of this name.
#include <cmath>

#include "ops/binary.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

class Pow {
 public:
  explicit Pow(const sdk::OpNode &) {}
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    require_type(inputs[0].dtype, Bases{});
    require_type(inputs[1].dtype, NumericTypes{});
    sdk::set_type(outputs[0], inputs[0].dtype, broadcast(shape_of(inputs[0]), shape_of(inputs[1])));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    dispatch(inputs[0].dtype, Bases{}, [&]<typename A>() {
      dispatch(inputs[1].dtype, NumericTypes{}, [&]<typename B>() {
        apply_binary<A, B, A>(inputs[0], inputs[1], outputs[0], [](A a, B b) { return power<A>(a, b); });
      });
    });
  }

 private:
  using Bases = Types<float, double, std::int32_t, std::int64_t, Float16, BFloat16>;
  template <typename A, typename B>
  static A power(A a, B b) {
    if constexpr (std::is_integral_v<A> && std::is_integral_v<B>) {
      if (b >= B{0}) {  // exact, wrapping
        std::uint64_t result = 1, base = static_cast<std::uint64_t>(a), left = static_cast<std::uint64_t>(b);
        for (; left != 0; left >>= 1, base *= base) {
          if (left & 1) result *= base;
        }
        return static_cast<A>(result);
      }
    }
    return static_cast<A>(std::pow(static_cast<double>(a), static_cast<double>(b)));
  }
};

}  // namespace
HALFTONE_OP_KERNEL(Pow, "Pow", 7, kNewest)
}  // namespace halftone::reference
