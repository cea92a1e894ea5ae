#include "core/model/dtype.h"

#include <array>

#include "core/base/error.h"

namespace halftone::model {
namespace {

struct DtypeFacts {
  ht_dtype dtype;
  std::int32_t onnx;
  std::size_t bits;
  bool is_float;
  std::string_view name;
};

// In the order of the codes, so that a code is an index.
constexpr std::array<DtypeFacts, 25> kFacts = {{
    {HT_DTYPE_NONE, 0, 0, false, "none"},
    {HT_F32, 1, 32, true, "float32"},
    {HT_F64, 11, 64, true, "float64"},
    {HT_F16, 10, 16, true, "float16"},
    {HT_BF16, 16, 16, true, "bfloat16"},
    {HT_I8, 3, 8, false, "int8"},
    {HT_U8, 2, 8, false, "uint8"},
    {HT_I16, 5, 16, false, "int16"},
    {HT_U16, 4, 16, false, "uint16"},
    {HT_I32, 6, 32, false, "int32"},
    {HT_U32, 12, 32, false, "uint32"},
    {HT_I64, 7, 64, false, "int64"},
    {HT_U64, 13, 64, false, "uint64"},
    {HT_BOOL, 9, 8, false, "bool"},
    {HT_F8E4M3FN, 17, 8, true, "float8e4m3fn"},
    {HT_F8E5M2, 19, 8, true, "float8e5m2"},
    {HT_I4, 22, 4, false, "int4"},
    {HT_U4, 21, 4, false, "uint4"},
    {HT_C64, 14, 64, false, "complex64"},
    {HT_C128, 15, 128, false, "complex128"},
    {HT_STRING, 8, 0, false, "string"},
    {HT_F4E2M1, 23, 4, true, "float4e2m1"},
    {HT_F8E8M0, 24, 8, true, "float8e8m0"},
    {HT_F8E4M3FNUZ, 18, 8, true, "float8e4m3fnuz"},
    {HT_F8E5M2FNUZ, 20, 8, true, "float8e5m2fnuz"},
}};

constexpr bool codes_are_indices() {
  for (std::size_t i = 0; i < kFacts.size(); ++i) {
    if (kFacts[i].dtype != i) return false;
  }
  return true;
}
static_assert(codes_are_indices());

const DtypeFacts &facts(ht_dtype dtype) {
  return kFacts[dtype < kFacts.size() ? dtype : 0];
}

}  // namespace

std::size_t dtype_bits(ht_dtype dtype) {
  return facts(dtype).bits;
}

std::size_t dtype_bytes(ht_dtype dtype, std::int64_t count) {
  std::size_t bits = 0;
  if (count < 0 || __builtin_mul_overflow(static_cast<std::size_t>(count), facts(dtype).bits, &bits)) {
    fail(Status::kInvalidArgument, "{} elements of {} are no possible tensor", count, dtype_name(dtype));
  }
  return bits / 8 + (bits % 8 != 0 ? 1 : 0);
}

std::string_view dtype_name(ht_dtype dtype) {
  return facts(dtype).name;
}

bool dtype_is_float(ht_dtype dtype) {
  return facts(dtype).is_float;
}

ht_dtype dtype_from_onnx(std::int32_t onnx_type) {
  for (const DtypeFacts &f : kFacts) {
    if (f.onnx == onnx_type) return f.dtype;
  }
  return HT_DTYPE_NONE;
}

std::int32_t dtype_to_onnx(ht_dtype dtype) {
  return facts(dtype).onnx;
}

}  // namespace halftone::model
