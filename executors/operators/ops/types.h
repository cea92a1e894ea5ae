// Element types: C++ type for each code, and the choice of a template instance by code at run time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <type_traits>

#include "halftone/op_kernel.hpp"
#include "ops/narrow_float.h"

namespace halftone::reference {

template <typename T>
inline constexpr ht_dtype kDtype = HT_DTYPE_NONE;
template <>
inline constexpr ht_dtype kDtype<float> = HT_F32;
template <>
inline constexpr ht_dtype kDtype<double> = HT_F64;
template <>
inline constexpr ht_dtype kDtype<Float16> = HT_F16;
template <>
inline constexpr ht_dtype kDtype<BFloat16> = HT_BF16;
template <>
inline constexpr ht_dtype kDtype<Float8E4M3FN> = HT_F8E4M3FN;
template <>
inline constexpr ht_dtype kDtype<Float8E5M2> = HT_F8E5M2;
template <>
inline constexpr ht_dtype kDtype<Float8E4M3FNUZ> = HT_F8E4M3FNUZ;
template <>
inline constexpr ht_dtype kDtype<Float8E5M2FNUZ> = HT_F8E5M2FNUZ;
template <>
inline constexpr ht_dtype kDtype<std::int8_t> = HT_I8;
template <>
inline constexpr ht_dtype kDtype<std::uint8_t> = HT_U8;
template <>
inline constexpr ht_dtype kDtype<std::int16_t> = HT_I16;
template <>
inline constexpr ht_dtype kDtype<std::uint16_t> = HT_U16;
template <>
inline constexpr ht_dtype kDtype<std::int32_t> = HT_I32;
template <>
inline constexpr ht_dtype kDtype<std::uint32_t> = HT_U32;
template <>
inline constexpr ht_dtype kDtype<std::int64_t> = HT_I64;
template <>
inline constexpr ht_dtype kDtype<std::uint64_t> = HT_U64;
template <>
inline constexpr ht_dtype kDtype<bool> = HT_BOOL;

// Name and width by code, in the order of halftone/tensor.h.
struct DtypeEntry {
  const char *name;
  int bits;
};
inline constexpr std::array<DtypeEntry, 25> kDtypes = {
    {{"none", 0},       {"float32", 32},   {"float64", 64},   {"float16", 16},       {"bfloat16", 16},
     {"int8", 8},       {"uint8", 8},      {"int16", 16},     {"uint16", 16},        {"int32", 32},
     {"uint32", 32},    {"int64", 64},     {"uint64", 64},    {"bool", 8},           {"float8e4m3fn", 8},
     {"float8e5m2", 8}, {"int4", 4},       {"uint4", 4},      {"complex64", 64},     {"complex128", 128},
     {"string", 0},     {"float4e2m1", 4}, {"float8e8m0", 8}, {"float8e4m3fnuz", 8}, {"float8e5m2fnuz", 8}}};

inline const DtypeEntry &dtype_entry(ht_dtype dtype) {
  return kDtypes[dtype < kDtypes.size() ? dtype : 0];
}

// The code of an element type in ONNX's `to` and `dtype` attributes, as ours.
inline ht_dtype dtype_of_onnx(std::int64_t code) {
  constexpr std::array<ht_dtype, 24> kCodes = {HT_DTYPE_NONE, HT_F32,    HT_U8,         HT_I8,   HT_U16,  HT_I16,
                                               HT_I32,        HT_I64,    HT_STRING,     HT_BOOL, HT_F16,  HT_F64,
                                               HT_U32,        HT_U64,    HT_C64,        HT_C128, HT_BF16, HT_F8E4M3FN,
                                               HT_F8E4M3FNUZ, HT_F8E5M2, HT_F8E5M2FNUZ, HT_U4,   HT_I4,   HT_F4E2M1};
  if (code <= 0 || code >= static_cast<std::int64_t>(kCodes.size()) ||
      kCodes[static_cast<std::size_t>(code)] == HT_DTYPE_NONE) {
    throw sdk::Failure(HT_UNIMPLEMENTED, "ONNX's element type " + std::to_string(code));
  }
  return kCodes[static_cast<std::size_t>(code)];
}

// Storage of `count` elements; types below a byte pack two a byte.
inline std::size_t bytes_of(ht_dtype dtype, std::int64_t count) {
  return (static_cast<std::size_t>(count) * static_cast<std::size_t>(dtype_entry(dtype).bits) + 7) / 8;
}

[[noreturn]] inline void unsupported_type(ht_dtype dtype) {
  throw sdk::Failure(HT_UNIMPLEMENTED, std::string("no kernel for elements of type ") + dtype_entry(dtype).name);
}

template <typename... Ts>
struct Types {};
using FloatTypes = Types<float, double, Float16, BFloat16>;
using IntegerTypes = Types<std::int32_t, std::int64_t, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                           std::uint32_t, std::uint64_t>;
using NumericTypes = Types<float, double, std::int32_t, std::int64_t, std::int8_t, std::uint8_t, std::int16_t,
                           std::uint16_t, std::uint32_t, std::uint64_t, Float16, BFloat16>;

// Types with fractions; everything else in NumericTypes is an integer.
template <typename T>
inline constexpr bool kIsReal = std::is_floating_point_v<T> || std::is_class_v<T>;

// Calls body.operator()<T>() for the T of the list whose code is `dtype`.
template <typename... Ts, typename Body>
void dispatch(ht_dtype dtype, Types<Ts...>, Body &&body) {
  const bool found = ((dtype == kDtype<Ts> ? (body.template operator()<Ts>(), true) : false) || ...);
  if (!found) unsupported_type(dtype);
}
template <typename... Ts>
void require_type(ht_dtype dtype, Types<Ts...> types) {
  dispatch(dtype, types, []<typename>() {});
}

// For operators that only move elements: an unsigned type (or pair) of the element's size.
struct Bytes16 {
  std::uint64_t half[2];
};
template <typename Body>
void dispatch_size(ht_dtype dtype, Body &&body) {
  switch (dtype_entry(dtype).bits) {
    case 8:
      return body.template operator()<std::uint8_t>();
    case 16:
      return body.template operator()<std::uint16_t>();
    case 32:
      return body.template operator()<std::uint32_t>();
    case 64:
      return body.template operator()<std::uint64_t>();
    case 128:
      return body.template operator()<Bytes16>();
    default:
      unsupported_type(dtype);
  }
}

// An ill-typed model must not make a kernel read beyond a tensor: elements have the width that is asked for.
template <typename T>
const T *in_data(const ht_tensor_view &t) {
  if (dtype_entry(t.dtype).bits != 8 * static_cast<int>(sizeof(T))) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, std::string("an input of type ") + dtype_entry(t.dtype).name +
                                                " beside inputs of another width");
  }
  return static_cast<const T *>(t.data);
}
template <typename T>
T *out_data(ht_tensor_view &t) {
  return static_cast<T *>(t.data);
}

// What sums are kept in.
template <typename T>
using Accumulator =
    std::conditional_t<kIsReal<T>, double, std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;

}  // namespace halftone::reference
