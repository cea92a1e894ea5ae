// What the QLinear operators share: codes with one scale and zero point per tensor or per channel, and the way from an
// exact int32 sum, or from a real number, back to codes. Source: ONNX's QLinearConv, QLinearMatMul and QuantizeLinear.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "halftone/op_kernel.hpp"
#include "ops/shape.h"
#include "ops/types.h"

namespace halftone::reference {

using ByteTypes = Types<std::uint8_t, std::int8_t>;
using CodeWordTypes = Types<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t>;

// The zero points in a tensor, `count` of them; a single one is repeated and an absent tensor means 0.
inline std::vector<std::int32_t> zero_points(sdk::KernelInputs inputs, std::size_t slot, std::int64_t count) {
  std::vector<std::int32_t> out(static_cast<std::size_t>(count), 0);
  if (!sdk::present(inputs, slot)) return out;
  const std::int64_t given = count_of(inputs[slot]);
  if (given != 1 && given != count) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       std::to_string(given) + " zero points where 1 or " + std::to_string(count) + " are needed");
  }
  dispatch(inputs[slot].dtype, Types<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::int32_t>{},
           [&]<typename T>() {
             const T *from = in_data<T>(inputs[slot]);
             for (std::int64_t i = 0; i < count; ++i) {
               out[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(from[given == 1 ? 0 : i]);
             }
           });
  return out;
}

// The scales in a tensor of a float type, as float32, repeated like zero points.
inline std::vector<float> scales_of(const ht_tensor_view &tensor, std::int64_t count) {
  const std::int64_t given = count_of(tensor);
  if (given != 1 && given != count) {
    throw sdk::Failure(HT_INVALID_ARGUMENT,
                       std::to_string(given) + " scales where 1 or " + std::to_string(count) + " are needed");
  }
  std::vector<float> out(static_cast<std::size_t>(count));
  dispatch(tensor.dtype, Types<float, Float16, BFloat16>{}, [&]<typename T>() {
    const T *from = in_data<T>(tensor);
    for (std::int64_t i = 0; i < count; ++i) {
      out[static_cast<std::size_t>(i)] = static_cast<float>(from[given == 1 ? 0 : i]);
    }
  });
  return out;
}

// clamp(round_half_even(x) + zero_point): every product before it is float32, as runtimes compute it.
template <typename T>
T code_of(float x, std::int32_t zero_point) {
  if (std::isnan(x)) return static_cast<T>(zero_point);
  const double code = std::nearbyint(static_cast<double>(x)) + zero_point;
  return static_cast<T>(std::clamp(code, static_cast<double>(std::numeric_limits<T>::lowest()),
                                   static_cast<double>(std::numeric_limits<T>::max())));
}

// Codes less their zero point: differences of two bytes, held in 32 bits. Sums of their products wrap at 32 bits, as
// the specification allows; unsigned arithmetic makes that exact.
template <typename T>
void centered(const T *from, std::int64_t count, std::int32_t zero_point, std::uint32_t *to) {
  for (std::int64_t i = 0; i < count; ++i) {
    to[i] = static_cast<std::uint32_t>(static_cast<std::int32_t>(from[i]) - zero_point);
  }
}

}  // namespace halftone::reference
