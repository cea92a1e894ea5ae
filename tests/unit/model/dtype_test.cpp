#include "core/model/dtype.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/unit/base/expect_error.h"

namespace halftone::model {

TEST_CASE("every type has a size, a name and an ONNX number of its own") {
  std::set<std::string_view> names;
  std::set<std::int32_t> numbers;
  for (ht_dtype dtype = HT_F32; dtype <= HT_F8E5M2FNUZ; ++dtype) {
    INFO(dtype);
    CHECK(names.insert(dtype_name(dtype)).second);
    CHECK(numbers.insert(dtype_to_onnx(dtype)).second);
    CHECK(dtype_from_onnx(dtype_to_onnx(dtype)) == dtype);
    CHECK((dtype_bits(dtype) > 0) == (dtype != HT_STRING));
  }
  CHECK(dtype_name(HT_F32) == "float32");
  CHECK(dtype_name(HT_F8E4M3FN) == "float8e4m3fn");
  CHECK(dtype_name(999) == "none");
}

TEST_CASE("ONNX's numbers are those of its specification") {
  CHECK(dtype_to_onnx(HT_F32) == 1);
  CHECK(dtype_to_onnx(HT_I8) == 3);
  CHECK(dtype_to_onnx(HT_I64) == 7);
  CHECK(dtype_to_onnx(HT_BF16) == 16);
  CHECK(dtype_to_onnx(HT_F8E4M3FN) == 17);
  CHECK(dtype_to_onnx(HT_F8E5M2) == 19);
  CHECK(dtype_to_onnx(HT_U4) == 21);
  CHECK(dtype_to_onnx(HT_I4) == 22);
  CHECK(dtype_to_onnx(HT_F8E4M3FNUZ) == 18);
  CHECK(dtype_to_onnx(HT_F8E5M2FNUZ) == 20);
  CHECK(dtype_from_onnx(0) == HT_DTYPE_NONE);
  CHECK(dtype_from_onnx(-1) == HT_DTYPE_NONE);
}

TEST_CASE("sizes round up for packed types and do not overflow") {
  CHECK(dtype_bytes(HT_F32, 3) == 12);
  CHECK(dtype_bytes(HT_I4, 3) == 2);
  CHECK(dtype_bytes(HT_U4, 4) == 2);
  CHECK(dtype_bytes(HT_I4, 0) == 0);
  CHECK(dtype_bytes(HT_C128, 2) == 32);
  CHECK(dtype_bytes(HT_STRING, 5) == 0);
  halftone::test::expect_error(Status::kInvalidArgument, {"no possible tensor"},
                               [] { dtype_bytes(HT_F64, INT64_MAX); });
  halftone::test::expect_error(Status::kInvalidArgument, {"-1"}, [] { dtype_bytes(HT_F64, -1); });
}

TEST_CASE("float types are known as such") {
  CHECK(dtype_is_float(HT_F8E5M2));
  CHECK(dtype_is_float(HT_F4E2M1));
  CHECK_FALSE(dtype_is_float(HT_I8));
  CHECK_FALSE(dtype_is_float(HT_C64));
  CHECK_FALSE(dtype_is_float(HT_BOOL));
}

}  // namespace halftone::model
