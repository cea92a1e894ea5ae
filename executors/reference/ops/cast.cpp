// Cast and CastLike between numbers. Floats out of an integer type's range wrap; NaN becomes 0.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

using CastTypes = Types<float, double, std::int32_t, std::int64_t, std::int8_t, std::uint8_t, std::int16_t,
                        std::uint16_t, std::uint32_t, std::uint64_t, bool, Float16, BFloat16, Float8E4M3FN, Float8E5M2>;

template <typename To, typename From>
To converted(From value) {
  if constexpr (std::is_arithmetic_v<From> && std::is_arithmetic_v<To>) {
    if constexpr (std::is_same_v<To, bool>) return value != From{};
    if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
      const auto wide = static_cast<double>(value);
      if (!(std::fabs(wide) < 18446744073709551616.0)) return To{};  // NaN too
      if (wide >= 9223372036854775808.0) return static_cast<To>(static_cast<std::uint64_t>(wide));
      if (wide < -9223372036854775808.0) return To{};
      return static_cast<To>(static_cast<std::int64_t>(wide));
    } else {
      return static_cast<To>(value);
    }
  } else if constexpr (std::is_arithmetic_v<From>) {
    return To(static_cast<double>(value));
  } else {
    return converted<To>(static_cast<double>(value));
  }
}

template <typename From, typename To>
void convert(const ht_tensor_view &x, ht_tensor_view &y) {
  const std::int64_t n = count_of(x);
  for (std::int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_class_v<To> && std::is_class_v<From>) {
      out_data<To>(y)[i] = To(static_cast<double>(in_data<From>(x)[i]));
    } else {
      out_data<To>(y)[i] = converted<To>(in_data<From>(x)[i]);
    }
  }
}

class Cast {
 public:
  explicit Cast(const sdk::OpNode &node) : to_(HT_DTYPE_NONE) {
    if (!node.flag("saturate", true)) throw sdk::Failure(HT_UNIMPLEMENTED, "saturate = 0");
    if (node.attribute("to")) to_ = dtype_of_onnx(node.integer("to", 0));
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ht_dtype to = to_ == HT_DTYPE_NONE ? inputs[1].dtype : to_;  // CastLike takes the second input's type
    if (to != inputs[0].dtype) {
      require_type(inputs[0].dtype, CastTypes{});
      require_type(to, CastTypes{});
    }
    sdk::set_type(outputs[0], to, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const {
    if (inputs[0].dtype == outputs[0].dtype) return copy_all(inputs[0], outputs[0]);
    dispatch(inputs[0].dtype, CastTypes{}, [&]<typename From>() {
      dispatch(outputs[0].dtype, CastTypes{}, [&]<typename To>() { convert<From, To>(inputs[0], outputs[0]); });
    });
  }

 private:
  ht_dtype to_;
};

}  // namespace
HALFTONE_OP_KERNEL(Cast, "Cast", 6, kNewest)
HALFTONE_OP_KERNEL(Cast, "CastLike", 15, kNewest)
}  // namespace halftone::reference
