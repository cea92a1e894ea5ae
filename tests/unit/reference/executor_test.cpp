// The executor's own rules: what is emitted and when, where quantization happens, what is refused.
#include <doctest/doctest.h>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/reference/small_net.h"

namespace halftone::test {
namespace {

using Floats = std::vector<float>;

model::Tensor vector_of(const Floats &values) {
  return model::Tensor::from_floats({static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace

TEST_CASE("inputs, initializers and inner values are emitted, in the order in which they arise") {
  SmallNet net;
  const auto x = net.input("x"), c = net.floats({2}, {10, 20});
  const auto sum = net.node("Add", {x, c}), product = net.node("Mul", {sum, sum});
  ModelRunner runner(net.working, {.emits = {product, c, sum, x}});
  const Emitted got = runner.run({vector_of({1, 2})});
  REQUIRE(got.size() == 4);
  CHECK(emitted(got, x).to_floats() == Floats{1, 2});
  CHECK(emitted(got, c).to_floats() == Floats{10, 20});
  CHECK(got[2].first == sum);
  CHECK(got[3].first == product);
  CHECK(got[3].second.to_floats() == Floats{121, 484});
  CHECK(runner.run({vector_of({0, 0})})[3].second.to_floats() == Floats{100, 400});
}

TEST_CASE("only what the emitted values depend on is run") {
  SmallNet net;
  const auto x = net.input("x");
  const auto kept = net.node("Relu", {x});
  net.node("Reshape", {kept, net.ints({7})});  // would fail
  CHECK_NOTHROW(ModelRunner(net.working, {.emits = {kept}}).run({vector_of({1})}));
}

TEST_CASE("in simulated mode each consumer quantizes its own copy, and the producer its output") {
  SmallNet net;
  const auto x = net.input("x");
  const auto y = net.node("Identity", {x}), coarse = net.node("Identity", {y}), plain = net.node("Identity", {y});
  net.quantize(net.producer(y), true, 0, 0.5f);
  net.quantize(net.producer(coarse), false, 0, 2.0f);
  const RunRequest request{.mode = host::Mode::kSimulated, .emits = {x, y, coarse, plain}};
  const Emitted got = ModelRunner(net.working, request).run({vector_of({1.3f, 2.8f, 100})});
  CHECK(emitted(got, x).to_floats() == Floats{1.3f, 2.8f, 100});
  CHECK(emitted(got, y).to_floats() == Floats{1.5f, 3, 63.5f});
  CHECK(emitted(got, coarse).to_floats() == Floats{2, 4, 64});  // 0.75 and 1.5 round to 1 and 2
  CHECK(emitted(got, plain).to_floats() == Floats{1.5f, 3, 63.5f});
  const Emitted exact = ModelRunner(net.working, {.emits = {coarse}}).run({vector_of({1.3f, 2.8f, 100})});
  CHECK(exact.front().second.to_floats() == Floats{1.3f, 2.8f, 100});
}

TEST_CASE("parameters are quantized per slot; in float mode only where that is asked for") {
  SmallNet net;
  const auto x = net.input("x"), w = net.floats({2}, {1.2f, -3.4f});
  const auto first = net.node("Add", {x, w}), second = net.node("Add", {x, w});
  net.quantize(net.producer(first), false, 0, 1.0f);
  net.quantize(net.producer(first), false, 1, 1.0f);
  const auto run = [&](const RunRequest &request) {
    return ModelRunner(net.working, request).run({vector_of({0.4f, 0})});
  };

  Emitted got = run({.mode = host::Mode::kSimulated, .emits = {first, second, w}});
  CHECK(emitted(got, first).to_floats() == Floats{1, -3});
  CHECK(emitted(got, second).to_floats() == Floats{0.4f + 1.2f, -3.4f});
  CHECK(emitted(got, w).to_floats() == Floats{1.2f, -3.4f});
  got = run({.quantized_weights = true, .emits = {first, second}});
  CHECK(emitted(got, first).to_floats() == Floats{1.4f, -3});
  CHECK(emitted(got, second).to_floats() == Floats{0.4f + 1.2f, -3.4f});
  got = run({.emits = {first}});
  CHECK(emitted(got, first).to_floats() == Floats{0.4f + 1.2f, -3.4f});
}

TEST_CASE("what cannot be run is refused before any data is read, by name") {
  SmallNet net;
  const auto x = net.input("x");
  const auto y = net.node("StringNormalizer", {x});
  expect_error(Status::kUnimplemented, {"StringNormalizer", "node0", "it works on strings"},
               [&] { ModelRunner(net.working, {.emits = {y}}); });
  SmallNet noise;
  const auto random = noise.node("RandomNormalLike", {noise.input("x")});
  expect_error(Status::kUnimplemented, {"RandomNormalLike", "node0", "it draws random numbers"},
               [&] { ModelRunner(noise.working, {.emits = {random}}); });

  SmallNet pads;
  const auto z = pads.node("Pad", {pads.input("x"), pads.ints({1, 1})}, {{"mode", {std::string("sideways")}}});
  expect_error(Status::kUnimplemented, {"node 'node0' (ai.onnx Pad, opset 17)", "sideways"},
               [&] { ModelRunner(pads.working, {.emits = {z}}); });
}

TEST_CASE("shapes and types that do not fit are errors that name the node") {
  SmallNet net;
  const auto y = net.node("Add", {net.input("x"), net.floats({3}, {1, 2, 3})});
  ModelRunner runner(net.working, {.emits = {y}});
  expect_error(Status::kInvalidArgument, {"node 'node0' (ai.onnx Add", "do not broadcast"}, [&] {
    runner.run({vector_of({1, 2})});
  });
  SmallNet mixed;
  const auto z = mixed.node("Conv", {mixed.input("x"), mixed.ints({1})});
  ModelRunner other(mixed.working, {.emits = {z}});
  expect_error(Status::kInvalidArgument, {"node 'node0' (ai.onnx Conv"}, [&] { other.run({vector_of({1, 2})}); });
}

}  // namespace halftone::test
