#include "float_types.h"

#include <array>
#include <cmath>
#include <limits>

#include "halftone/narrow_float.hpp"

namespace halftone::passes {
namespace {

struct Entry {
  ht_dtype dtype;
  std::int64_t onnx;
  const char *name;
};
constexpr std::array<Entry, 3> kTypes = {{{HT_F16, 10, "float16"}, {HT_BF16, 16, "bfloat16"}, {HT_F64, 11, "float64"}}};

float clipped_to_float(double value, std::size_t &clipped) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  if (!std::isfinite(value) || std::fabs(value) <= kLargest) return static_cast<float>(value);
  ++clipped;
  return static_cast<float>(std::copysign(kLargest, value));
}

}  // namespace

ht_dtype other_float_of_onnx(std::int64_t number) {
  for (const Entry &entry : kTypes) {
    if (entry.onnx == number) return entry.dtype;
  }
  return HT_DTYPE_NONE;
}

std::int64_t onnx_number(ht_dtype dtype) {
  for (const Entry &entry : kTypes) {
    if (entry.dtype == dtype) return entry.onnx;
  }
  return kOnnxFloat32;
}

const char *float_name(ht_dtype dtype) {
  for (const Entry &entry : kTypes) {
    if (entry.dtype == dtype) return entry.name;
  }
  return "float32";
}

std::vector<float> as_float32(const ht_tensor_view &tensor, std::size_t &clipped) {
  const auto count = static_cast<std::size_t>(sdk::count_of(tensor));
  std::vector<float> out(count);
  if (tensor.dtype == HT_F64) {
    const auto *data = static_cast<const double *>(tensor.data);
    for (std::size_t i = 0; i < count; ++i) out[i] = clipped_to_float(data[i], clipped);
    return out;
  }
  const auto *data = static_cast<const std::uint16_t *>(tensor.data);
  const bool half = tensor.dtype == HT_F16;
  for (std::size_t i = 0; i < count; ++i) out[i] = half ? sdk::float_of_f16(data[i]) : sdk::float_of_bf16(data[i]);
  return out;
}

}  // namespace halftone::passes
