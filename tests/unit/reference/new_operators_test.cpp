// Operators that are newer than the installed test data. Expected numbers are computed by hand from the specification,
// or by a formula that the operator must satisfy.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/reference/check_close.h"
#include "tests/unit/reference/small_net.h"

namespace halftone::test {
namespace {

using Floats = std::vector<float>;
using Ints = std::vector<std::int64_t>;

model::Attribute attribute(std::int64_t value) {
  return {value};
}

}  // namespace

TEST_CASE("Col2Im adds what overlaps") {
  SmallNet net(18);
  // Windows of 2 along an axis of 3: the middle element is in both.
  const auto x = net.floats({1, 2, 2}, {1, 2, 3, 4});
  const auto y = net.node("Col2Im", {x, net.ints({1, 3}), net.ints({1, 2})});
  CHECK(evaluate(net, {y})[0] == Floats{1, 2 + 3, 4});
}

TEST_CASE("CenterCropPad crops one axis and pads the other") {
  SmallNet net(18);
  const auto x = net.floats({3, 2}, {1, 2, 3, 4, 5, 6});
  const auto y = net.node("CenterCropPad", {x, net.ints({1, 5})});
  const auto chosen = net.node("CenterCropPad", {x, net.ints({4})}, {{"axes", {Ints{-1}}}});
  const auto got = evaluate(net, {y, chosen});
  CHECK(got[0] == Floats{0, 3, 4, 0, 0});
  CHECK(got[1] == Floats{0, 1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0});
}

TEST_CASE("GroupNormalization with parameters per group and per channel") {
  const Floats x = {1, 3, 5, 7, -1, 1, 2, 2};
  for (const std::int64_t opset : {18, 21}) {
    SmallNet net(opset);
    const bool per_group = opset < 21;
    const Floats scale = per_group ? Floats{2, 3} : Floats{2, 2, 3, 3};
    const Floats shift = per_group ? Floats{0, 1} : Floats{0, 0, 1, 1};
    const auto extent = static_cast<std::int64_t>(scale.size());
    const auto y = net.node("GroupNormalization",
                            {net.floats({1, 4, 2}, x), net.floats({extent}, scale), net.floats({extent}, shift)},
                            {{"num_groups", attribute(2)}, {"epsilon", {0.0F}}});
    const float a = 1 / std::sqrt(5.0F), b = 1 / std::sqrt(1.5F);
    check_close(evaluate(net, {y})[0], {-6 * a, -2 * a, 2 * a, 6 * a, 1 - 6 * b, 1, 1 + 3 * b, 1 + 3 * b});
  }
}

TEST_CASE("DeformConv without offsets is Conv, and offsets move its taps") {
  SmallNet net(19);
  const auto x = net.floats({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto w = net.floats({1, 1, 2, 2}, {1, -1, 2, 0.5F});
  const auto none = net.constant(model::Tensor::from_floats({1, 8, 2, 2}, Floats(32, 0.0F)));
  Floats shifted(32, 0.0F);
  for (std::size_t i = 0; i < 32; ++i) shifted[i] = i / 4 % 2 == 1 ? 0.5F : 0.0F;  // half a column to the right
  const auto half = net.constant(model::Tensor::from_floats({1, 8, 2, 2}, shifted));
  const auto mask = net.constant(model::Tensor::from_floats({1, 4, 2, 2}, Floats(16, 2.0F)));
  const auto got =
      evaluate(net, {net.node("Conv", {x, w}), net.node("DeformConv", {x, w, none}),
                     net.node("DeformConv", {x, w, half}), net.node("DeformConv", {x, w, none, HT_NONE, mask})});
  CHECK(got[1] == got[0]);
  // At (0, 0): 1.5 - 2.5 + 2 * 4.5 + 0.5 * 5.5; at (0, 1) the right tap is half outside: 2.5 - 1.5 + 2 * 5.5 + 0.5 * 3.
  CHECK(got[2][0] == doctest::Approx(10.75));
  CHECK(got[2][1] == doctest::Approx(13.5));
  for (std::size_t i = 0; i < 4; ++i) CHECK(got[3][i] == doctest::Approx(2 * got[0][i]));
}

TEST_CASE("AffineGrid of the identity samples a tensor as it is") {
  SmallNet net(20);
  const Floats values = {1, 2, 3, 4, 5, 6};
  const auto x = net.floats({1, 1, 2, 3}, values);
  const auto theta = net.floats({1, 2, 3}, {1, 0, 0, 0, 1, 0});
  std::vector<model::Handle> outputs;
  for (const std::int64_t align : {0, 1}) {
    const auto grid = net.node("AffineGrid", {theta, net.ints({1, 1, 2, 3})}, {{"align_corners", attribute(align)}});
    outputs.push_back(net.node("GridSample", {x, grid}, {{"align_corners", attribute(align)}}));
  }
  const auto got = evaluate(net, outputs);
  check_close(got[0], values);
  check_close(got[1], values);
}

TEST_CASE("RMSNormalization and Swish") {
  SmallNet net(24);
  const auto x = net.floats({1, 2}, {3, 4});
  const auto y = net.node("RMSNormalization", {x, net.floats({2}, {1, 2})}, {{"epsilon", {0.0F}}});
  const auto swish = net.node("Swish", {x}, {{"alpha", {2.0F}}});
  const auto got = evaluate(net, {y, swish});
  const float root = std::sqrt(12.5F);
  check_close(got[0], {3 / root, 8 / root});
  check_close(got[1], {3 / (1 + std::exp(-6.0F)), 4 / (1 + std::exp(-8.0F))});
}

TEST_CASE("RotaryEmbedding turns pairs, near or half a vector apart") {
  SmallNet net(23);
  const auto x = net.floats({1, 1, 1, 4}, {1, 2, 3, 4});
  const auto c = net.floats({1, 1, 2}, {0, 1}), s = net.floats({1, 1, 2}, {1, 0});  // 90 degrees, and none
  const auto got = evaluate(net, {net.node("RotaryEmbedding", {x, c, s}),
                                  net.node("RotaryEmbedding", {x, c, s}, {{"interleaved", attribute(1)}})});
  CHECK(got[0] == Floats{-3, 2, 1, 4});
  CHECK(got[1] == Floats{-2, 1, 3, 4});
}

TEST_CASE("Attention: weights, causality, grouped heads, caches") {
  SmallNet net(23);
  const float log3 = std::log(3.0F);
  // Scores 0 and log 3: weights 1/4 and 3/4.
  const auto q = net.floats({1, 2, 1, 1}, {1, 0}), k = net.floats({1, 1, 2, 1}, {0, log3}),
             v = net.floats({1, 1, 2, 1}, {4, 8});
  const auto plain = net.node("Attention", {q, k, v});
  const auto q2 = net.floats({1, 1, 2, 1}, {1, 1});
  const auto causal = net.node("Attention", {q2, k, v}, {{"is_causal", attribute(1)}});
  const auto mask = net.constant(model::Tensor(HT_BOOL, {1, 2}, {std::byte{0}, std::byte{1}}));
  const auto masked = net.node("Attention", {q2, k, v, mask});
  const auto k_past = net.floats({1, 1, 1, 1}, {0}), v_past = net.floats({1, 1, 1, 1}, {4});
  const auto k_now = net.floats({1, 1, 1, 1}, {log3}), v_now = net.floats({1, 1, 1, 1}, {8});
  const auto q1 = net.floats({1, 1, 1, 1}, {1});
  const auto cached = net.nodes("Attention", {q1, k_now, v_now, HT_NONE, k_past, v_past}, 3);
  const auto got = evaluate(net, {plain, causal, masked, cached[0], cached[1]});
  check_close(got[0], {7, 6});  // the second head scores both keys alike
  check_close(got[1], {4, 7});
  check_close(got[2], {8, 8});
  check_close(got[3], {7});
  check_close(got[4], {0, log3});
}

TEST_CASE("TensorScatter writes into a cache, around its end where asked") {
  SmallNet net(24);
  const auto cache = net.floats({1, 1, 4, 1}, {1, 2, 3, 4}), update = net.floats({1, 1, 2, 1}, {8, 9});
  const auto linear = net.node("TensorScatter", {cache, update, net.ints({1})});
  const auto around = net.node("TensorScatter", {cache, update, net.ints({3})}, {{"mode", {std::string("circular")}}});
  const auto got = evaluate(net, {linear, around});
  CHECK(got[0] == Floats{1, 8, 9, 4});
  CHECK(got[1] == Floats{9, 2, 3, 8});
}

TEST_CASE("DFT of opset 20 takes its axis as an input, and the inverse undoes it") {
  SmallNet net(20);
  const Floats signal = {1, 2, 3, 4, 5, -6};
  const auto x = net.floats({1, 2, 3, 1}, signal);
  const auto axis = net.constant(model::Tensor::from_ints({}, Ints{2}));
  const auto there = net.node("DFT", {x, HT_NONE, axis});
  const auto back = net.node("DFT", {there, HT_NONE, axis}, {{"inverse", attribute(1)}});
  const auto got = evaluate(net, {there, back});
  CHECK(got[0][0] == doctest::Approx(6));
  for (std::size_t i = 0; i < signal.size(); ++i) {
    CHECK(got[1][2 * i] == doctest::Approx(signal[i]));
    CHECK(std::fabs(got[1][2 * i + 1]) < 1e-6);
  }
}

TEST_CASE("float16 and bfloat16 are computed in double and rounded once") {
  SmallNet net(22);
  const auto x = net.floats({1, 2}, {1.0F, 0.0009765625F}), w = net.floats({2, 1}, {1, 1});
  std::vector<model::Handle> outputs;
  for (const std::int64_t type : {10, 16}) {  // ONNX's float16 and bfloat16
    const Attributes to = {{"to", attribute(type)}};
    const auto a = net.node("Cast", {x}, to), b = net.node("Cast", {w}, to);
    for (const auto &value : {net.node("MatMul", {a, b}), net.node("Softmax", {a}), net.node("Add", {a, a})}) {
      outputs.push_back(net.node("Cast", {value}, {{"to", attribute(1)}}));
    }
  }
  const auto got = evaluate(net, outputs);
  CHECK(got[0] == Floats{1.0009765625F});  // the smallest step of float16 above 1
  CHECK(got[3] == Floats{1});              // bfloat16 has none of it
  CHECK(got[2] == Floats{2, 0.001953125F});
  CHECK(got[1][0] == doctest::Approx(0.731).epsilon(1e-3));
  CHECK(got[4][0] == doctest::Approx(0.731).epsilon(4e-3));
}

TEST_CASE("Cast to float8 saturates or not, and four bits keep the low ones") {
  SmallNet net(21);
  const auto x = net.floats({4}, {464, 465, -1e9F, 61440});
  const auto out = [&](std::int64_t type, std::int64_t saturate) {
    const auto narrow = net.node("Cast", {x}, {{"to", attribute(type)}, {"saturate", attribute(saturate)}});
    return net.node("Cast", {narrow}, {{"to", attribute(1)}});
  };
  const auto ints = net.floats({3}, {-8, 7, 19});
  const auto four = net.node("Cast", {net.node("Cast", {ints}, {{"to", attribute(22)}})}, {{"to", attribute(1)}});
  const auto got = evaluate(net, {out(17, 1), out(17, 0), out(19, 1), out(19, 0), four});
  CHECK(got[0] == Floats{448, 448, -448, 448});
  CHECK(got[1][0] == 448);
  CHECK(std::isnan(got[1][1]));
  CHECK(std::isnan(got[1][2]));
  CHECK(got[2] == Floats{448, 448, -57344, 57344});
  CHECK(got[3] == Floats{448, 448, -HUGE_VALF, HUGE_VALF});
  CHECK(got[4] == Floats{-8, 7, 3});
}

TEST_CASE("float8 with one zero") {
  SmallNet net(21);
  const auto x = net.floats({8}, {0, -1e-6F, 1.0625F, -240, 247, 248, -1e9F, 61440});
  const auto out = [&](std::int64_t type, std::int64_t saturate) {
    const auto narrow = net.node("Cast", {x}, {{"to", attribute(type)}, {"saturate", attribute(saturate)}});
    return net.node("Cast", {narrow}, {{"to", attribute(1)}});
  };
  const auto scale = net.floats({}, {0.5F}), y = net.floats({4}, {-0.5F, 0.53125F, 1000, -1e-6F});
  const auto zero = net.node("Cast", {net.floats({}, {0})}, {{"to", attribute(18)}});
  const auto codes = net.node("QuantizeLinear", {y, scale, zero});
  const auto got = evaluate(
      net, {out(18, 1), out(18, 0), out(20, 1), out(20, 0), net.node("DequantizeLinear", {codes, scale, zero})});
  CHECK(got[0] == Floats{0, 0, 1, -240, 240, 240, -240, 240});
  CHECK_FALSE(std::signbit(got[0][1]));
  CHECK(got[1][4] == 240);
  for (const std::size_t i : {5, 6, 7}) CHECK(std::isnan(got[1][i]));
  CHECK(got[2] == Floats{0, 0, 1, -256, 256, 256, -57344, 57344});
  for (const std::size_t i : {6, 7}) CHECK(std::isnan(got[3][i]));
  CHECK(got[4] == Floats{-0.5F, 0.5F, 120, 0});  // 1.0625 is halfway, and 1 is even
}

TEST_CASE("QuantizeLinear and DequantizeLinear of float16") {
  SmallNet net(21);
  const auto half = [&](const Floats &values) {
    const auto extent = static_cast<std::int64_t>(values.size());
    return net.node("Cast", {net.floats({extent}, values)}, {{"to", attribute(10)}});
  };
  const auto scale = net.node("Squeeze", {half({0.5F})});
  const auto codes = net.node("QuantizeLinear", {half({-1, 0.75F, 200}), scale});
  const auto back = net.node("DequantizeLinear", {codes, scale});
  const auto got = evaluate(net, {net.node("Cast", {back}, {{"to", attribute(1)}})});
  CHECK(got[0] == Floats{0, 1, 127.5F});  // 0.75 / 0.5 rounds to 2, 400 is clamped to 255
}

TEST_CASE("ReduceMax and ReduceMin of bool") {
  SmallNet net(20);
  const auto x = net.constant(model::Tensor(HT_BOOL, {2, 2}, {std::byte{0}, std::byte{1}, std::byte{0}, std::byte{0}}));
  const auto axes = net.ints({1});
  const auto to_float = [&](model::Handle value) { return net.node("Cast", {value}, {{"to", attribute(1)}}); };
  const auto got =
      evaluate(net, {to_float(net.node("ReduceMax", {x, axes})), to_float(net.node("ReduceMin", {x, axes}))});
  CHECK(got[0] == Floats{1, 0});
  CHECK(got[1] == Floats{0, 0});
}

TEST_CASE("MatMulNBits with codes of 8 and of 2 bits") {
  for (const std::int64_t bits : {8, 2}) {
    SmallNet net;
    net.m().set_opset("com.microsoft", 1);
    // Sixteen codes of one row, all 3 but the first, which is 1; they stand around 128 or 2.
    std::vector<std::byte> codes(static_cast<std::size_t>(2 * bits), bits == 8 ? std::byte{3} : std::byte{0xFF});
    codes[0] = bits == 8 ? std::byte{1} : std::byte{0xFD};
    const auto y =
        net.node("MatMulNBits",
                 {net.floats({1, 16}, Floats(16, 1.0F)), net.constant(model::Tensor(HT_U8, {1, 1, 2 * bits}, codes)),
                  net.floats({1}, {0.5F})},
                 {{"K", attribute(16)}, {"N", attribute(1)}, {"bits", attribute(bits)}, {"block_size", attribute(16)}});
    net.m().set_op_type(net.producer(y), "MatMulNBits", "com.microsoft");
    const float zero = bits == 8 ? 128 : 2;
    CHECK(evaluate(net, {y})[0] == Floats{0.5F * (15 * (3 - zero) + (1 - zero))});
  }
}

TEST_CASE("LSTM in double is that in float, unrounded") {
  SmallNet net;
  const auto to = [&](model::Handle value, std::int64_t type) {
    return net.node("Cast", {value}, {{"to", attribute(type)}});
  };
  const auto x = net.floats({2, 1, 2}, {0.5F, -1, 2, 0.25F}), w = net.floats({1, 8, 2}, Floats(16, 0.3F)),
             r = net.floats({1, 8, 2}, Floats(16, -0.2F));
  const Attributes hidden = {{"hidden_size", attribute(2)}};
  const auto single = net.node("LSTM", {x, w, r}, hidden);
  const auto wide = net.node("LSTM", {to(x, 11), to(w, 11), to(r, 11)}, hidden);
  const auto got = evaluate(net, {single, to(wide, 1)});
  CHECK(got[0] == got[1]);
}

}  // namespace halftone::test
