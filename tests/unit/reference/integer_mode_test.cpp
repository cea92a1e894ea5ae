// Integer mode of the executor: exact sums against 64-bit loops, codes between nodes, what falls back, what is refused.
#include <doctest/doctest.h>

#include <cmath>

#include "core/quant/arithmetic.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/reference/small_net.h"

namespace halftone::test {
namespace {

using Floats = std::vector<float>;

struct Grid {
  float scale;
  std::int32_t zero;
  bool is_signed;
  std::uint32_t bits = 8;
};

void quantize(SmallNet &net, model::Handle value_or_reader, bool is_output, std::uint32_t slot, const Grid &grid) {
  const model::Handle node = net.producer(value_or_reader);
  const ht_quant_spec spec = quant::make_spec(grid.bits, grid.is_signed, grid.zero == 0 ? HT_SYMMETRIC : HT_ASYMMETRIC);
  const auto config = net.working.configs.create({node, is_output, slot}, spec, quant::State::kInitial);
  net.working.configs.set_scales(config, {&grid.scale, 1}, {&grid.zero, 1}, {});
}

RunRequest integer_run(std::vector<model::Handle> emits) {
  RunRequest request{.mode = host::Mode::kInteger, .emits = std::move(emits)};
  return request;
}

}  // namespace

TEST_CASE("sums of the most extreme codes are exact") {
  constexpr std::int64_t kDepth = 8192;
  for (const float weight : {127.0F, -128.0F}) {
    for (const std::int32_t zero : {0, 255}) {
      SmallNet net;
      const auto x = net.input("x");
      const auto w = net.floats({kDepth, 1}, Floats(kDepth, weight));
      const auto y = net.node("MatMul", {x, w});
      quantize(net, y, false, 0, {1.0F, zero, false});
      quantize(net, y, false, 1, {1.0F, 0, true});
      const float extreme = zero == 0 ? 255.0F : -255.0F;
      const Emitted got = ModelRunner(net.working, integer_run({y}))
                              .run({model::Tensor::from_floats({1, kDepth}, Floats(kDepth, extreme))});
      const std::int64_t want = kDepth * static_cast<std::int64_t>(extreme) * static_cast<std::int64_t>(weight);
      CHECK(static_cast<std::int64_t>(emitted(got, y).to_floats()[0]) == want);
    }
  }
}

TEST_CASE("a convolution's codes are those of a loop over 64-bit integers") {
  SmallNet net;
  const auto x = net.input("x");
  Floats weights(4 * 3 * 9), pixels(3 * 49), bias(4);
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = 0.02F * static_cast<float>(static_cast<int>(i * 37 % 255) - 127);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = 0.05F * static_cast<float>(static_cast<int>(i * 91 % 256) - 100);
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = 0.001F * (static_cast<float>(i) * 1000 - 1500);
  const auto w = net.floats({4, 3, 3, 3}, weights), b = net.floats({4}, bias);
  const auto y = net.node("Conv", {x, w, b}, {{"pads", {std::vector<std::int64_t>{1, 1, 1, 1}}}});
  quantize(net, y, false, 0, {0.05F, 100, false});
  quantize(net, y, false, 1, {0.02F, 0, true});
  quantize(net, y, false, 2, {0.05F * 0.02F, 0, true, 32});
  quantize(net, y, true, 0, {0.7F, 131, false});
  const Emitted got =
      ModelRunner(net.working, integer_run({y})).run({model::Tensor::from_floats({1, 3, 7, 7}, pixels)});
  const Floats out = emitted(got, y).to_floats();
  const float real = 0.05F * 0.02F / 0.7F;
  for (int c = 0; c < 4; ++c) {
    for (int row = 0; row < 7; ++row) {
      for (int column = 0; column < 7; ++column) {
        std::int64_t sum = std::llround(bias[static_cast<std::size_t>(c)] / 0.001);
        for (int k = 0; k < 27; ++k) {
          const int i = row + k / 3 % 3 - 1, j = column + k % 3 - 1;
          if (i < 0 || j < 0 || i > 6 || j > 6) continue;
          const int w_code = (c * 27 + k) * 37 % 255 - 127, x_code = (k / 9 * 49 + i * 7 + j) * 91 % 256 - 100;
          sum += std::int64_t{w_code} * x_code;
        }
        const float code = std::fmin(std::fmax(std::nearbyint(static_cast<float>(sum) * real), -131.0F), 124.0F);
        REQUIRE(out[static_cast<std::size_t>(c * 49 + row * 7 + column)] == code * 0.7F);
      }
    }
  }
}

TEST_CASE("a sum beyond 32 bits is an error that names the node, and nothing is wrapped") {
  constexpr std::int64_t kDepth = 70000;
  SmallNet net;
  const auto x = net.input("x");
  const auto y = net.node("MatMul", {x, net.floats({kDepth, 1}, Floats(kDepth, 127))});
  quantize(net, y, false, 0, {1.0F, 0, false});
  quantize(net, y, false, 1, {1.0F, 0, true});
  ModelRunner runner(net.working, integer_run({y}));
  const auto input = [&](float x0) { return model::Tensor::from_floats({1, kDepth}, Floats(kDepth, x0)); };
  CHECK(emitted(runner.run({input(1)}), y).to_floats()[0] == 127.0F * kDepth);
  expect_error(Status::kFailedPrecondition,
               {"node 'node0' (ai.onnx MatMul, opset 17): a sum of 2266950000 does not fit the 32 bits that a device "
                "adds up in; use fewer bits for its weight or its input, or leave it in float"},
               [&] { runner.run({input(255)}); });
}

TEST_CASE("Relu behind a sum becomes a limit of its codes; both are one step") {
  SmallNet net;
  const auto x = net.input("x");
  const auto sum = net.node("MatMul", {x, net.floats({2, 2}, {1, -1, 1, -1})}), y = net.node("Relu", {sum});
  quantize(net, sum, false, 0, {1.0F, 0, true});
  quantize(net, sum, false, 1, {1.0F, 0, true});
  quantize(net, y, true, 0, {1.0F, 7, false});
  const auto input = model::Tensor::from_floats({1, 2}, Floats{3, 4});
  CHECK(emitted(ModelRunner(net.working, integer_run({y})).run({input}), y).to_floats() == Floats{7, 0});
  // Where the value between them is asked for, they are two.
  const Emitted both = ModelRunner(net.working, integer_run({sum, y})).run({input});
  CHECK(emitted(both, sum).to_floats() == Floats{7, -7});
  CHECK(emitted(both, y).to_floats() == Floats{7, 0});
}

TEST_CASE("integer mode gives what simulated mode gives where no product lies near a half") {
  SmallNet net;
  const auto x = net.input("x");
  const auto first = net.node("MatMul", {x, net.floats({3, 3}, {1, 2, 3, -4, 5, -6, 7, -8, 9})});
  const auto flat = net.node("Reshape", {first, net.ints({3})}), two = net.node("Add", {flat, flat});
  const auto soft = net.node("Softmax", {two}), y = net.node("Sigmoid", {two});
  quantize(net, first, false, 0, {0.1F, 3, false});
  quantize(net, first, false, 1, {0.1F, 0, true});
  quantize(net, first, true, 0, {0.37F, 100, false});
  quantize(net, two, true, 0, {0.61F, 90, false});
  quantize(net, y, true, 0, {1 / 256.0F, 0, false});
  const auto input = model::Tensor::from_floats({1, 3}, Floats{0.31F, 0.72F, -0.2F});
  const std::vector<model::Handle> all = {first, flat, two, soft, y};
  const Emitted got = ModelRunner(net.working, integer_run(all)).run({input});
  const Emitted want = ModelRunner(net.working, {.mode = host::Mode::kSimulated, .emits = all}).run({input});
  for (const model::Handle value : all) CHECK(emitted(got, value).to_floats() == emitted(want, value).to_floats());
}

}  // namespace halftone::test
