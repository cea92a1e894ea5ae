// Cast and CastLike between numbers. Floats out of an integer type's range wrap; NaN becomes 0. Integers of four bits
// keep the low bits. Source: ONNX operators of these names, opset 6 to 24.
#include <cmath>

#include "halftone/op_kernel.hpp"
#include "ops/codes.h"
#include "ops/move.h"
#include "ops/shape.h"
#include "ops/types.h"
#include "ops/version.h"

namespace halftone::reference {
namespace {

using CastTypes = Types<float, double, std::int32_t, std::int64_t, std::int8_t, std::uint8_t, std::int16_t,
                        std::uint16_t, std::uint32_t, std::uint64_t, bool, Float16, BFloat16, Float8E4M3FN, Float8E5M2,
                        Float8E4M3FNUZ, Float8E5M2FNUZ>;

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
void convert(const ht_tensor_view &x, ht_tensor_view &y, bool saturate) {
  const std::int64_t n = count_of(x);
  for (std::int64_t i = 0; i < n; ++i) {
    if constexpr (kIsFloat8<To>) {
      out_data<To>(y)[i] = float8_of<To>(static_cast<double>(in_data<From>(x)[i]), saturate);
    } else if constexpr (std::is_class_v<To> && std::is_class_v<From>) {
      out_data<To>(y)[i] = To(static_cast<double>(in_data<From>(x)[i]));
    } else {
      out_data<To>(y)[i] = converted<To>(in_data<From>(x)[i]);
    }
  }
}

// A tensor of another element type and the same shape, over memory of its own.
struct Bytes {
  std::vector<std::uint8_t> data;
  ht_tensor_view view;

  Bytes(const ht_tensor_view &like, ht_dtype dtype) : data(static_cast<std::size_t>(count_of(like))), view(like) {
    view.dtype = dtype;
    view.data = data.data();
  }
};

bool is_packed(ht_dtype dtype) {
  return dtype == HT_I4 || dtype == HT_U4;
}

class Cast {
 public:
  explicit Cast(const sdk::OpNode &node) : to_(HT_DTYPE_NONE), saturate_(node.flag("saturate", true)) {
    if (node.attribute("to")) to_ = dtype_of_onnx(node.integer("to", 0));
  }
  void infer(sdk::KernelInputs inputs, sdk::KernelTypes outputs) const {
    const ht_dtype to = to_ == HT_DTYPE_NONE ? inputs[1].dtype : to_;  // CastLike takes the second input's type
    if (to != inputs[0].dtype) {
      if (!is_packed(inputs[0].dtype)) require_type(inputs[0].dtype, CastTypes{});
      if (!is_packed(to)) require_type(to, CastTypes{});
    }
    sdk::set_type(outputs[0], to, shape_of(inputs[0]));
  }
  void run(sdk::KernelInputs inputs, sdk::KernelOutputs outputs) const { cast(inputs[0], outputs[0]); }

 private:
  // Four bits go through eight.
  void cast(const ht_tensor_view &x, ht_tensor_view &y) const {
    if (x.dtype == y.dtype) return copy_all(x, y);
    if (is_packed(x.dtype)) {
      Bytes wide(x, x.dtype == HT_I4 ? HT_I8 : HT_U8);
      for (std::int64_t i = 0; i < count_of(x); ++i) {
        const double code = x.dtype == HT_I4 ? load_code<Int4>(x.data, i) : load_code<UInt4>(x.data, i);
        wide.data[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(static_cast<int>(code));
      }
      return cast(wide.view, y);
    }
    if (is_packed(y.dtype)) {
      Bytes wide(y, y.dtype == HT_I4 ? HT_I8 : HT_U8);
      cast(x, wide.view);
      for (std::int64_t i = 0; i < count_of(y); ++i) {
        const std::uint8_t bits = wide.data[static_cast<std::size_t>(i)] & 15;
        store_code<UInt4>(y.data, i, bits);
      }
      return;
    }
    dispatch(x.dtype, CastTypes{}, [&]<typename From>() {
      dispatch(y.dtype, CastTypes{}, [&]<typename To>() { convert<From, To>(x, y, saturate_); });
    });
  }
  ht_dtype to_;
  bool saturate_;
};

}  // namespace
HALFTONE_OP_KERNEL(Cast, "Cast", 6, kNewest)
HALFTONE_OP_KERNEL(Cast, "CastLike", 15, kNewest)
}  // namespace halftone::reference
