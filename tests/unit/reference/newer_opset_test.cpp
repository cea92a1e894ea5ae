// Forms of operators that are newer than the installed test data: opsets 18 to 21. The expected numbers are computed by
// hand from the specification.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/reference/check_close.h"
#include "tests/unit/reference/small_net.h"

namespace halftone::test {
namespace {

using Floats = std::vector<float>;

}  // namespace

TEST_CASE("Split into equal parts, of which the last is smaller") {
  SmallNet net(18);
  const auto parts = net.nodes("Split", {net.floats({5}, {1, 2, 3, 4, 5})}, 2, {{"num_outputs", {std::int64_t{2}}}});
  const auto got = evaluate(net, parts);
  CHECK(got[0] == Floats{1, 2, 3});
  CHECK(got[1] == Floats{4, 5});
}

TEST_CASE("Reduce with axes from an input") {
  SmallNet net(18);
  const auto x = net.floats({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto none = net.ints({});
  const std::pair<std::string, model::Attribute> flat = {"keepdims", {std::int64_t{0}}};
  const auto got = evaluate(net, {net.node("ReduceMax", {x, net.ints({-1})}, {flat}),
                                  net.node("ReduceMean", {x, net.ints({0})}, {flat}), net.node("ReduceL1", {x}, {flat}),
                                  net.node("ReduceMin", {x, none}, {{"noop_with_empty_axes", {std::int64_t{1}}}})});
  CHECK(got[0] == Floats{3, 6});
  CHECK(got[1] == Floats{2.5f, 3.5f, 4.5f});
  CHECK(got[2] == Floats{21});
  CHECK(got[3] == Floats{1, 2, 3, 4, 5, 6});
}

TEST_CASE("Pad of chosen axes, and wrapping") {
  SmallNet net(19);
  const auto x = net.floats({2, 2}, {1, 2, 3, 4});
  const auto chosen = net.node("Pad", {x, net.ints({1, 0}), net.floats({}, {9}), net.ints({-1})});
  const auto wrapped = net.node("Pad", {x, net.ints({0, 1, 0, 2})}, {{"mode", {std::string("wrap")}}});
  const auto got = evaluate(net, {chosen, wrapped});
  CHECK(got[0] == Floats{9, 1, 2, 9, 3, 4});
  CHECK(got[1] == Floats{2, 1, 2, 1, 2, 4, 3, 4, 3, 4});
}

TEST_CASE("Gelu and Mish") {
  SmallNet net(20);
  const auto x = net.floats({3}, {-1, 0, 2});
  const auto got = evaluate(
      net,
      {net.node("Gelu", {x}), net.node("Gelu", {x}, {{"approximate", {std::string("tanh")}}}), net.node("Mish", {x})});
  check_close(got[0], {-0.15865526f, 0, 1.9544997f});
  check_close(got[1], {-0.15880801f, 0, 1.9545977f});
  check_close(got[2], {-0.30340146f, 0, 1.9439590f});
}

TEST_CASE("DequantizeLinear and QuantizeLinear by blocks, with 4-bit codes") {
  SmallNet net(21);
  // Codes 1, -2, 3, -4 along axis 0 in blocks of two; low nibble first.
  const std::vector<std::byte> packed = {std::byte{0xE1}, std::byte{0xC3}};
  const auto codes = net.constant(model::Tensor(HT_I4, {4, 1}, packed));
  const auto scale = net.floats({2, 1}, {0.5f, 10});
  const Attributes blocks = {{"axis", {std::int64_t{0}}}, {"block_size", {std::int64_t{2}}}};
  const auto values = net.node("DequantizeLinear", {codes, scale}, blocks);
  Attributes to_int4 = blocks;
  to_int4.push_back({"output_dtype", {std::int64_t{22}}});
  const auto again = net.node("QuantizeLinear", {values, scale}, to_int4);
  const auto back = net.node("DequantizeLinear", {again, scale}, blocks);
  const auto got = evaluate(net, {values, back});
  CHECK(got[0] == Floats{0.5f, -1, 30, -40});
  CHECK(got[1] == got[0]);
}

TEST_CASE("Resize of chosen axes, by one factor, and with antialias") {
  SmallNet net(18);
  const auto x = net.floats({1, 4}, {1, 2, 3, 4});
  const auto chosen =
      net.node("Resize", {x, HT_NONE, net.floats({1}, {2})}, {{"axes", {std::vector<std::int64_t>{1}}}});
  const auto shrunk = net.node("Resize", {x, HT_NONE, HT_NONE, net.ints({1, 2})},
                               {{"mode", {std::string("linear")}}, {"antialias", {std::int64_t{1}}}});
  const auto limited = net.node("Resize", {x, HT_NONE, HT_NONE, net.ints({3, 8})},
                                {{"keep_aspect_ratio_policy", {std::string("not_larger")}}});
  ModelRunner runner(net.working, {.emits = {chosen, shrunk, limited}});
  const Emitted got = runner.run({});
  CHECK(emitted(got, chosen).to_floats() == Floats{1, 1, 2, 2, 3, 3, 4, 4});
  // Weights 0.25, 0.75, 0.75, 0.25 around 0.5 and 2.5; what lies outside repeats the edge.
  check_close(emitted(got, shrunk).to_floats(), {1.625f, 3.375f});
  CHECK(emitted(got, limited).shape() == model::Shape{2, 8});
}

TEST_CASE("an opset newer than all kernels is taken as the newest, but for what that one does not have") {
  SmallNet net(40);
  const auto x = net.floats({2}, {-1, 2});
  CHECK(evaluate(net, {net.node("Relu", {x})})[0] == Floats{0, 2});
  const auto moved = net.node("Scatter", {x, net.ints({0}), net.floats({1}, {5})});
  expect_error(Status::kUnimplemented, {"no kernel for operator Scatter", "at opset 40", "opsets 9 to 10"},
               [&] { evaluate(net, {moved}); });
}

TEST_CASE("float8 rounds to even and saturates") {
  SmallNet net(19);
  const auto x = net.floats({4}, {1.0625f, 1.1875f, 1000, -0.001f});
  const auto narrow = net.node("Cast", {x}, {{"to", {std::int64_t{17}}}});
  const auto got = evaluate(net, {net.node("Cast", {narrow}, {{"to", {std::int64_t{1}}}})});
  CHECK(got[0] == Floats{1, 1.25f, 448, -0.001953125f});
}

}  // namespace halftone::test
