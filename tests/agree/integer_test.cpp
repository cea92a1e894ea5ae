// Integer mode: the fast executor gives the bits of the plain one.
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "tests/agree/integer_net.h"

namespace halftone::test {
namespace {

using model::Handle;

// What an executor says instead of computing in integer mode; nothing where it computes.
std::string refusal(Net &net, const std::string &executor) {
  try {
    Runner(net.working, {.executor = executor, .mode = host::Mode::kInteger}).run(net.sample(3));
  } catch (const std::exception &e) {
    return e.what();
  }
  return {};
}

// A convolution of random shape, quantized at every slot or at some.
Net random_convolution_net(std::uint64_t seed) {
  Net net(seed);
  const auto roll = [&](std::uint64_t sides) { return static_cast<std::int64_t>(net.roll(sides)); };
  const std::size_t axes = net.roll(8) == 0 ? 1 : 2;
  const std::int64_t kind = roll(4);  // depthwise, groups, dense twice
  const std::int64_t inputs = 1 + roll(40), group = kind == 0 ? inputs : (kind == 1 && inputs % 2 == 0 ? 2 : 1);
  const std::int64_t outputs = kind == 0 ? inputs : group * (1 + roll(40));
  model::Shape x = {1 + roll(2), inputs}, w = {outputs, inputs / group};
  Net::Ints strides, dilations, pads;
  for (std::size_t i = 0; i < axes; ++i) {
    w.push_back(1 + roll(4));
    strides.push_back(1 + roll(3));
    dilations.push_back(1 + roll(2));
    x.push_back((w.back() - 1) * dilations.back() + 1 + roll(20));
  }
  for (std::size_t i = 0; i < 2 * axes; ++i) pads.push_back(roll(3));
  std::vector<Handle> in = {net.input(x), net.weight(w)};
  if (net.roll(3) != 0) in.push_back(net.weight({outputs}));
  const Handle y = net.node("Conv", in,
                            {Net::ints("strides", strides), Net::ints("dilations", dilations), Net::ints("pads", pads),
                             Net::integer("group", group)});
  const Handle node = net.working.model.value(y).producer;
  const bool is_signed = net.roll(2) == 0;
  const auto zero = static_cast<std::int32_t>(is_signed ? roll(256) - 128 : roll(256));
  const Grid grid{8, is_signed, 0.008F, zero};
  put(net, node, false, 0, grid);
  put(net, node, false, 1, {8, true, 0.0078F}, net.roll(2) == 0 ? static_cast<std::size_t>(outputs) : 0);
  Handle last = y;
  if (net.roll(3) == 0) last = net.node("Relu", {y});
  if (net.roll(5) != 0)
    put(net, net.working.model.value(last).producer, true, 0, {net.roll(8) == 0 ? 16U : 8U, !is_signed, 0.05F, 3});
  net.output(last);
  return net;
}

}  // namespace

TEST_CASE("random graphs have the same bits in integer mode on both executors") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Net net = random_net(seed);
    quantize(net, seed);
    const std::string what = differing(net, 77);
    CHECK_MESSAGE(what.empty(), "net ", seed, ", ", what);
  }
}

TEST_CASE("random convolutions have the same bits in integer mode on both executors") {
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    Net net = random_convolution_net(seed);
    const std::string what = differing(net, seed);
    CHECK_MESSAGE(what.empty(), "convolution ", seed, ", ", what);
  }
}

TEST_CASE("products of matrices have the same bits in integer mode on both executors") {
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    Net net(seed);
    const auto roll = [&](std::uint64_t sides) { return static_cast<std::int64_t>(net.roll(sides)); };
    const bool gemm = net.roll(2) == 0, transposed = gemm && net.roll(2) == 0;
    const std::int64_t depth = 1 + roll(200), columns = 1 + roll(70);
    const Handle x = net.input(gemm ? model::Shape{1 + roll(60), depth} : model::Shape{2, 1 + roll(30), depth});
    std::vector<Handle> in = {x, net.weight(transposed ? model::Shape{columns, depth} : model::Shape{depth, columns})};
    if (gemm && net.roll(2) == 0) in.push_back(net.weight({columns}));
    const Handle y = net.node(gemm ? "Gemm" : "MatMul", in,
                              gemm ? Net::Attributes{Net::integer("transB", transposed ? 1 : 0)} : Net::Attributes{});
    const Handle node = net.working.model.value(y).producer;
    put(net, node, false, 0, {8, false, 0.008F, static_cast<std::int32_t>(roll(256))});
    put(net, node, false, 1, {8, true, 0.0078F}, static_cast<std::size_t>(columns), transposed ? 0 : 1);
    if (net.roll(4) != 0) put(net, node, true, 0, {8, false, 0.05F, 120});
    net.output(y);
    const std::string what = differing(net, seed);
    CHECK_MESSAGE(what.empty(), "product ", seed, ", ", what);
  }
}

TEST_CASE("a scalar bias of one channel has the same bits in integer mode on both executors") {
  for (const bool gemm : {true, false}) {
    for (const bool quantized_bias : {true, false}) {
      Net net(gemm ? 21 : 22);
      const Handle bias = net.weight({}, 2);
      const Handle x = net.input(gemm ? model::Shape{5, 8} : model::Shape{2, 3, 6, 6});
      const Handle w = net.weight(gemm ? model::Shape{8, 1} : model::Shape{1, 3, 3, 3});
      const Handle y = net.node(gemm ? "Gemm" : "Conv", {x, w, bias}), node = net.working.model.value(y).producer;
      put(net, node, false, 0, {8, true, 0.0078125F});
      put(net, node, false, 1, {8, true, 0.0078125F});
      if (quantized_bias) put(net, node, false, 2, {32, true, 0.0078125F * 0.0078125F});
      put(net, node, true, 0, {8, true, 0.03125F});
      net.output(y);
      CHECK(differing(net, 5) == "");
      const auto inputs = net.sample(5);
      const Emitted on_codes = Runner(net.working, {.mode = host::Mode::kInteger}).run(inputs);
      const Emitted in_float = Runner(net.working, {.executor = "reference"}).run(inputs);
      CHECK(difference(on_codes.at(y), in_float.at(y), {0.05, 0}) == "");
    }
  }
}

TEST_CASE("workers of integer mode that come to a plain step at once get the same bits") {
  for (const std::uint32_t bits : {8U, 12U, 16U}) {  // held in one byte, in two, and in four
    Net net(bits);
    const Handle x = net.input({3, 50}), w = net.weight({50, 40}, 0.5F, 0.5F);
    // A row on its own is no matrix: onednn leaves it to the plain kernel too.
    const Handle row = net.node("ReduceMax", {x}, {Net::ints("axes", {0}), Net::integer("keepdims", 0)});
    const Handle y = net.node("MatMul", {row, w}), node = net.working.model.value(y).producer;
    put(net, node, false, 0, {8, false, 0.008F, 128});
    const float scale = 1.0F / static_cast<float>(bits == 16 ? 45000 : (1 << (bits - 1)) - 1);
    put(net, node, false, 1, {bits, bits != 16, scale, bits == 16 ? 20000 : 0});
    net.output(y);
    const auto inputs = net.sample(9);
    const Emitted want = Runner(net.working, {.executor = "reference", .mode = host::Mode::kInteger}).run(inputs);
    const Emitted in_float = Runner(net.working, {.executor = "reference"}).run(inputs);
    CHECK(difference(want.at(y), in_float.at(y), {0.01, 0}) == "");
    for (const char *executor : {"reference", "onednn"}) {
      constexpr std::uint32_t kWorkers = 4;
      Runner runner(net.working, {.executor = executor, .mode = host::Mode::kInteger, .workers = kWorkers});
      std::vector<Emitted> got(kWorkers);
      std::vector<std::thread> threads;
      for (std::uint32_t worker = 0; worker < kWorkers; ++worker)
        threads.emplace_back([&, worker] { got[worker] = runner.run(inputs, worker); });
      for (std::thread &thread : threads) thread.join();
      for (const Emitted &each : got) CHECK(std::ranges::equal(each.at(y).bytes(), want.at(y).bytes()));
    }
  }
}

TEST_CASE("integer mode refuses attributes that Conv and MaxPool cannot have, on both executors") {
  using Attributes = Net::Attributes;
  const std::vector<Attributes> wrong = {{Net::ints("strides", {0, 1})},          {Net::ints("strides", {2})},
                                         {Net::ints("dilations", {1, -1})},       {Net::ints("dilations", {-1, 1})},
                                         {Net::ints("dilations", {1, 1, 1})},     {Net::ints("pads", {1, 1})},
                                         {Net::ints("pads", {1, 1, 1, 1, 1, 1})}, {Net::ints("strides", {-1, 1})},
                                         {{"auto_pad", {std::string("SOME")}}}};
  for (const Attributes &attributes : wrong) {
    for (const bool pool : {false, true}) {
      Net net(31);
      const Grid grid{8, false, 0.008F, 128};
      Handle y =
          net.node("Conv", {net.input({1, 3, 9, 9}), net.weight({8, 3, 3, 3})}, pool ? Attributes{} : attributes);
      const Handle conv = net.working.model.value(y).producer;
      put(net, conv, false, 0, grid);
      put(net, conv, false, 1, {8, true, 0.0078F});
      put(net, conv, true, 0, {8, false, 0.05F, 120});
      if (pool) {
        Attributes all = attributes;
        all.push_back(Net::ints("kernel_shape", {2, 2}));
        y = net.node("MaxPool", {y}, all);
      }
      net.output(y);
      const std::string want = refusal(net, "reference"), got = refusal(net, "onednn");
      CHECK_MESSAGE(want != "", attributes[0].first);
      CHECK(got == want);
    }
  }
}

TEST_CASE("integer mode refuses parts of a Concat that do not fit, on both executors") {
  const std::vector<model::Shape> others = {{1, 4, 4, 4}, {1, 4, 8, 7}, {2, 4, 8, 8}};
  for (const model::Shape &shape : others) {
    for (const float scale : {0.05F, 0.06F}) {  // the second goes through tables
      Net net(41);
      std::vector<Handle> parts;
      for (const model::Shape &x : {model::Shape{1, 4, 8, 8}, shape}) {
        const Handle y = net.node("Conv", {net.input(x), net.weight({8, 4, 1, 1})});
        const Handle conv = net.working.model.value(y).producer;
        put(net, conv, false, 0, {8, false, 0.008F, 128});
        put(net, conv, false, 1, {8, true, 0.0078F});
        put(net, conv, true, 0, {8, false, parts.empty() ? 0.05F : scale, 120});
        parts.push_back(y);
      }
      const Handle y = net.node("Concat", parts, {Net::integer("axis", 1)});
      put(net, net.working.model.value(y).producer, true, 0, {8, false, 0.05F, 120});
      net.output(y);
      const std::string want = refusal(net, "reference");
      CHECK(want != "");
      CHECK(refusal(net, "onednn") == want);
    }
  }
}

// Pairs of bytes whose products leave 16 bits: 2 * 255 * 127 and 2 * 255 * -128.
TEST_CASE("no sum saturates: extreme codes against arithmetic of 64 bits") {
  constexpr std::int64_t kDepth = 4096, kRows = 13, kColumns = 37;
  for (const float weight : {127.0F, -128.0F}) {
    for (const std::int32_t zero : {0, 255}) {
      Net net;
      const Handle x = net.input({kRows, kDepth}), w = net.weight({kDepth, kColumns}, 0, weight);
      const Handle y = net.node("MatMul", {x, w}), node = net.working.model.value(y).producer;
      put(net, node, false, 0, {8, false, 1.0F, zero});
      put(net, node, false, 1, {8, true, 1.0F});
      net.output(y);
      const float extreme = zero == 0 ? 255.0F : -255.0F;
      const std::vector<float> codes(kRows * kDepth, extreme);
      const auto got =
          Runner(net.working, {.mode = host::Mode::kInteger}).run({model::Tensor::from_floats({kRows, kDepth}, codes)});
      const std::int64_t want = kDepth * static_cast<std::int64_t>(extreme) * static_cast<std::int64_t>(weight);
      for (const float sum : got.at(y).floats()) REQUIRE(static_cast<std::int64_t>(sum) == want);
    }
  }
}

}  // namespace halftone::test
