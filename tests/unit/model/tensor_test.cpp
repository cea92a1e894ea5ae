#include "core/model/tensor.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/model/narrow_float.h"
#include "tests/unit/base/expect_error.h"

namespace halftone::model {
namespace {

using halftone::test::expect_error;

Tensor bytes_tensor(ht_dtype dtype, Shape shape, std::vector<int> bytes) {
  std::vector<std::byte> data;
  for (const int b : bytes) data.push_back(static_cast<std::byte>(b));
  return Tensor(dtype, std::move(shape), std::move(data));
}

}  // namespace

TEST_CASE("elements are counted without overflow") {
  CHECK(element_count(Shape{}) == 1);
  CHECK(element_count(Shape{2, 3}) == 6);
  CHECK(element_count(Shape{INT64_MAX, INT64_MAX, 0}) == 0);
  expect_error(Status::kInvalidArgument, {"-1"}, [] { element_count(Shape{2, -1}); });
  expect_error(Status::kInvalidArgument, {"more elements"}, [] { element_count(Shape{INT64_MAX, 2}); });
}

TEST_CASE("a tensor is empty, zero-filled, or has exactly the bytes it needs") {
  CHECK(Tensor().empty());
  const Tensor zeros(HT_F32, {2, 2});
  CHECK(zeros.to_floats() == std::vector<float>{0, 0, 0, 0});
  expect_error(Status::kInvalidArgument, {"float32", "4 elements", "16 bytes", "3 were given"}, [] {
    bytes_tensor(HT_F32, {4}, {1, 2, 3});
  });
}

TEST_CASE("a copy shares the bytes, a slice keeps their owner alive") {
  const std::array<float, 3> values = {1, 2, 3};
  auto whole = std::make_unique<Tensor>(Tensor::from_floats({3}, values));
  const Tensor copy = *whole;
  CHECK(copy.same_storage(*whole));
  const auto owner = std::make_shared<const Tensor>(*whole);
  const Tensor slice(HT_F32, {2}, owner->bytes().subspan(4), owner);
  whole.reset();
  CHECK(slice.floats()[0] == 2.0F);
  CHECK_FALSE(slice.same_storage(copy));
}

TEST_CASE("typed access is exact about the type") {
  const std::array<std::int64_t, 2> values = {5, -7};
  const Tensor tensor = Tensor::from_ints({2}, values);
  CHECK(tensor.ints()[1] == -7);
  expect_error(Status::kInvalidArgument, {"int64", "not float32"}, [&] { tensor.floats(); });
  expect_error(Status::kInvalidArgument, {"float32", "not int64"}, [&] { Tensor(HT_F32, {1}).ints(); });
  CHECK(tensor.to_floats() == std::vector<float>{5, -7});
}

TEST_CASE("integer types convert to integers and floats") {
  CHECK(bytes_tensor(HT_I8, {2}, {0xFF, 0x7F}).to_ints() == std::vector<std::int64_t>{-1, 127});
  CHECK(bytes_tensor(HT_U8, {2}, {0xFF, 0x7F}).to_ints() == std::vector<std::int64_t>{255, 127});
  CHECK(bytes_tensor(HT_I16, {1}, {0x00, 0x80}).to_ints() == std::vector<std::int64_t>{-32768});
  CHECK(bytes_tensor(HT_U16, {1}, {0x00, 0x80}).to_ints() == std::vector<std::int64_t>{32768});
  CHECK(bytes_tensor(HT_BOOL, {3}, {0, 1, 2}).to_ints() == std::vector<std::int64_t>{0, 1, 1});
  CHECK(bytes_tensor(HT_U4, {3}, {0xF1, 0x08}).to_ints() == std::vector<std::int64_t>{1, 15, 8});
  CHECK(bytes_tensor(HT_I4, {3}, {0xF1, 0x08}).to_ints() == std::vector<std::int64_t>{1, -1, -8});
  CHECK(bytes_tensor(HT_I4, {2}, {0xF1}).to_floats() == std::vector<float>{1, -1});
  expect_error(Status::kInvalidArgument, {"float32", "integers"}, [] { Tensor(HT_F32, {1}).to_ints(); });
  expect_error(Status::kInvalidArgument, {"complex64"}, [] { Tensor(HT_C64, {1}).to_floats(); });
}

TEST_CASE("narrow floats widen exactly") {
  CHECK(bytes_tensor(HT_F16, {2}, {0x00, 0x3C, 0xFF, 0x7B}).to_floats() == std::vector<float>{1.0F, 65504.0F});
  CHECK(bytes_tensor(HT_BF16, {1}, {0x80, 0xBF}).to_floats() == std::vector<float>{-1.0F});
  CHECK(bytes_tensor(HT_F8E4M3FN, {4}, {0x38, 0x7E, 0x01, 0xB8}).to_floats() ==
        std::vector<float>{1.0F, 448.0F, 0x1p-9F, -1.0F});
  CHECK(bytes_tensor(HT_F8E5M2, {3}, {0x3C, 0x7B, 0x01}).to_floats() == std::vector<float>{1.0F, 57344.0F, 0x1p-16F});
  CHECK(bytes_tensor(HT_F8E4M3FNUZ, {3}, {0x7F, 0x01, 0xFF}).to_floats() == std::vector<float>{240, 0x1p-10F, -240});
  CHECK(bytes_tensor(HT_F8E5M2FNUZ, {3}, {0x7F, 0x01, 0x00}).to_floats() == std::vector<float>{57344, 0x1p-17F, 0});
  CHECK(std::isnan(bytes_tensor(HT_F8E5M2FNUZ, {1}, {0x80}).to_floats()[0]));
  CHECK(bytes_tensor(HT_F8E8M0, {2}, {127, 0}).to_floats() == std::vector<float>{1.0F, 0x1p-127F});
  CHECK(bytes_tensor(HT_F4E2M1, {8}, {0x10, 0x32, 0x54, 0xF6}).to_floats() ==
        std::vector<float>{0, 0.5F, 1, 1.5F, 2, 3, 4, -6});
  CHECK(float_from_f16(0x0001) == 0x1p-24F);
  CHECK(std::isinf(float_from_f16(0xFC00)));
  CHECK(std::isnan(float_from_f16(0x7E00)));
  CHECK(std::isnan(float_from_f8e4m3fn(0x7F)));
  CHECK(std::isinf(float_from_f8e5m2(0x7C)));
  CHECK(std::isnan(float_from_f8e8m0(0xFF)));
}

TEST_CASE("narrowing inverts widening for every half, and ties go to even") {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float wide = float_from_f16(half), brain = float_from_bf16(half);
    if (std::isnan(wide))
      CHECK(std::isnan(float_from_f16(f16_from_float(wide))));
    else if (f16_from_float(wide) != half)
      FAIL_CHECK("float16 ", bits);
    if (std::isnan(brain))
      CHECK(std::isnan(float_from_bf16(bf16_from_float(brain))));
    else if (bf16_from_float(brain) != half)
      FAIL_CHECK("bfloat16 ", bits);
  }
  CHECK(f16_from_float(1.0F + 0x1p-11F) == 0x3C00);      // halfway: to the even neighbour below
  CHECK(f16_from_float(1.0F + 3 * 0x1p-11F) == 0x3C02);  // halfway: to the even neighbour above
  CHECK(f16_from_float(0x1p-25F) == 0x0000);
  CHECK(f16_from_float(65519.0F) == 0x7BFF);
  CHECK(f16_from_float(65520.0F) == 0x7C00);
  CHECK(f16_from_float(-std::numeric_limits<float>::infinity()) == 0xFC00);
  CHECK(bf16_from_float(1.0F + 0x1p-8F) == 0x3F80);
}

}  // namespace halftone::model
