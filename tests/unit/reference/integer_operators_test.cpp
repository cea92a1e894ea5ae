// Integer operators are exact: int32 sums against arithmetic in 64 bits on extreme values, at depths where float32 and
// 16-bit intermediates are not, and wrapping where int32 overflows, as the specification allows.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "tests/unit/reference/small_net.h"

namespace halftone::test {
namespace {

template <typename T>
model::Tensor tensor_of(ht_dtype dtype, model::Shape shape, const std::vector<T> &values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return model::Tensor(dtype, std::move(shape), std::move(bytes));
}

template <typename T>
std::vector<T> values_of(const model::Tensor &tensor) {
  std::vector<T> out(static_cast<std::size_t>(tensor.count()));
  std::memcpy(out.data(), tensor.bytes().data(), tensor.bytes().size());
  return out;
}

// Mostly the ends of the type, where sums are largest.
template <typename T>
std::vector<T> extremes(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<T> out(count);
  for (T &value : out) {
    const auto draw = static_cast<std::uint32_t>(random());
    constexpr T kEnds[] = {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
    value = draw % 4 == 0 ? static_cast<T>(draw >> 8) : kEnds[draw % 2];
  }
  return out;
}

model::Tensor run_one(SmallNet &net, model::Handle value) {
  ModelRunner runner(net.working, {.emits = {value}});
  return emitted(runner.run({}), value);
}

// The low 32 bits of an exact sum.
std::int32_t wrapped(std::int64_t sum) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(sum)));
}

template <typename A, typename B>
void check_matmul(ht_dtype a_type, ht_dtype b_type, std::size_t m, std::size_t k, std::size_t n, A a_zero, B b_zero) {
  const std::vector<A> a = extremes<A>(m * k, 1);
  const std::vector<B> b = extremes<B>(k * n, 2);
  const auto extent = [](std::size_t e) { return static_cast<std::int64_t>(e); };
  SmallNet net;
  const auto y = net.node("MatMulInteger", {net.constant(tensor_of(a_type, {extent(m), extent(k)}, a)),
                                            net.constant(tensor_of(b_type, {extent(k), extent(n)}, b)),
                                            net.constant(tensor_of<A>(a_type, {}, {a_zero})),
                                            net.constant(tensor_of<B>(b_type, {}, {b_zero}))});
  const auto got = values_of<std::int32_t>(run_one(net, y));
  REQUIRE(got.size() == m * n);
  for (std::size_t i = 0; i < m * n; ++i) {
    std::int64_t sum = 0;
    for (std::size_t p = 0; p < k; ++p) {
      sum += (std::int64_t{a[i / n * k + p]} - a_zero) * (std::int64_t{b[p * n + i % n]} - b_zero);
    }
    CHECK(got[i] == wrapped(sum));
  }
}

}  // namespace

TEST_CASE("MatMulInteger is exact at the ends of its types") {
  check_matmul<std::uint8_t, std::int8_t>(HT_U8, HT_I8, 5, 3001, 7, 0, 0);
  check_matmul<std::uint8_t, std::int8_t>(HT_U8, HT_I8, 5, 3001, 7, 255, -128);
  check_matmul<std::uint8_t, std::uint8_t>(HT_U8, HT_U8, 3, 4000, 9, 128, 0);
  check_matmul<std::int8_t, std::int8_t>(HT_I8, HT_I8, 2, 1025, 5, 127, -128);
}

TEST_CASE("a sum beyond int32 wraps") {
  // 40000 products of 255 * 255 are 2601000000.
  const std::vector<std::uint8_t> ones(40000, 255);
  SmallNet net;
  const auto y = net.node("MatMulInteger", {net.constant(tensor_of(HT_U8, {1, 40000}, ones)),
                                            net.constant(tensor_of(HT_U8, {40000, 1}, ones))});
  CHECK(values_of<std::int32_t>(run_one(net, y)) == std::vector<std::int32_t>{wrapped(2601000000)});
}

TEST_CASE("QLinearConv is exact in its sums, with zero points per channel, groups and padding") {
  constexpr std::int64_t kChannels = 64, kOut = 6, kSide = 7, kGroups = 2;
  const auto x = extremes<std::uint8_t>(kChannels * kSide * kSide, 3);
  const auto w = extremes<std::int8_t>(kOut * kChannels / kGroups * 9, 4);
  const std::vector<std::int8_t> w_zero = {-128, 127, 0, 5, -7, 127};
  const std::vector<float> w_scale = {0.5F, 0.25F, 0.125F, 0.001F, 0.002F, 0.01F};
  const std::vector<std::int32_t> bias = {1 << 20, -(1 << 20), 0, 7, -9, 1};
  SmallNet net;
  const auto scalar = [&](float value) { return net.floats({}, {value}); };
  const auto x_value = net.constant(tensor_of(HT_U8, {1, kChannels, kSide, kSide}, x));
  const auto w_value = net.constant(tensor_of(HT_I8, {kOut, kChannels / kGroups, 3, 3}, w));
  const auto y =
      net.node("QLinearConv",
               {x_value, scalar(0.02F), net.constant(tensor_of<std::uint8_t>(HT_U8, {}, {200})), w_value,
                net.floats({kOut}, w_scale), net.constant(tensor_of(HT_I8, {kOut}, w_zero)), scalar(20.0F),
                net.constant(tensor_of<std::int8_t>(HT_I8, {}, {-3})), net.constant(tensor_of(HT_I32, {kOut}, bias))},
               {{"group", {kGroups}},
                {"pads", {std::vector<std::int64_t>{1, 1, 1, 1}}},
                {"strides", {std::vector<std::int64_t>{2, 2}}}});
  const auto got = values_of<std::int8_t>(run_one(net, y));
  constexpr std::int64_t kTo = 4, kPer = kChannels / kGroups;
  REQUIRE(got.size() == kOut * kTo * kTo);
  for (std::int64_t i = 0; i < kOut * kTo * kTo; ++i) {
    const std::int64_t o = i / kTo / kTo, row = i / kTo % kTo * 2 - 1, column = i % kTo * 2 - 1;
    std::int64_t sum = bias[static_cast<std::size_t>(o)];
    for (std::int64_t j = 0; j < kPer * 9; ++j) {
      const std::int64_t r = row + j / 3 % 3, c = column + j % 3, channel = o / (kOut / kGroups) * kPer + j / 9;
      if (r < 0 || r >= kSide || c < 0 || c >= kSide) continue;
      sum += (std::int64_t{x[static_cast<std::size_t>((channel * kSide + r) * kSide + c)]} - 200) *
             (std::int64_t{w[static_cast<std::size_t>(o * kPer * 9 + j)]} - w_zero[static_cast<std::size_t>(o)]);
    }
    const float factor = 0.02F * w_scale[static_cast<std::size_t>(o)] / 20.0F;
    const double code = std::nearbyint(static_cast<double>(static_cast<float>(wrapped(sum)) * factor)) - 3;
    CHECK(got[static_cast<std::size_t>(i)] == static_cast<std::int8_t>(std::clamp(code, -128.0, 127.0)));
  }
}

TEST_CASE("Gemm of int64 is exact") {
  SmallNet net;
  constexpr std::int64_t kLarge = (std::int64_t{1} << 53) + 1;  // no double
  const auto a = net.constant(model::Tensor::from_ints({1, 2}, std::vector<std::int64_t>{kLarge, 1}));
  const auto b = net.constant(model::Tensor::from_ints({2, 1}, std::vector<std::int64_t>{1, 2}));
  const auto c = net.constant(model::Tensor::from_ints({1}, std::vector<std::int64_t>{-3}));
  const auto y = net.node("Gemm", {a, b, c}),
             half = net.node("Gemm", {b, b, c}, {{"transB", {std::int64_t{1}}}, {"alpha", {0.5F}}});
  ModelRunner runner(net.working, {.emits = {y, half}});
  const Emitted got = runner.run({});
  CHECK(emitted(got, y).to_ints() == std::vector<std::int64_t>{kLarge - 1});
  CHECK(emitted(got, half).to_ints() == std::vector<std::int64_t>{-3, -2, -2, -1});
}

}  // namespace halftone::test
