// Integer mode: the fast executor gives the bits of the plain one.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "core/quant/arithmetic.h"
#include "tests/agree/net.h"

namespace halftone::test {
namespace {

using model::Handle;

// What differs between the executors in integer mode, in any value and in the outputs with steps fused.
std::string differing(Net &net, std::uint64_t sample) {
  const auto inputs = net.sample(sample);
  const auto all = made_values(net.working.model);
  for (const auto &emits : {all, std::vector<Handle>{}}) {
    RunRequest request{.mode = host::Mode::kInteger, .emits = emits};
    const Emitted got = Runner(net.working, request).run(inputs);
    request.executor = "reference";
    const Emitted want = Runner(net.working, request).run(inputs);
    for (const auto &[value, tensor] : want) {
      if (std::ranges::equal(tensor.bytes(), got.at(value).bytes())) continue;
      return fmt::format("'{}': {}", net.working.model.value(value).name, difference(got.at(value), tensor, {0, 0}));
    }
  }
  return {};
}

struct Grid {
  std::uint32_t bits = 8;
  bool is_signed = false;
  float scale = 0.02F;
  std::int32_t zero = 0;
};

void put(Net &net, Handle node, bool is_output, std::uint32_t slot, const Grid &grid, std::size_t channels = 0,
         std::int32_t axis = 0) {
  ht_quant_spec spec = quant::make_spec(grid.bits, grid.is_signed, grid.zero == 0 ? HT_SYMMETRIC : HT_ASYMMETRIC);
  std::vector<float> scales(std::max<std::size_t>(channels, 1), grid.scale);
  if (channels != 0) {
    spec.granularity = HT_PER_CHANNEL;
    spec.axis = axis;
    for (std::size_t c = 0; c < channels; ++c) scales[c] *= 1 + 0.01F * static_cast<float>(c % 50);
  }
  const std::vector<std::int32_t> zeros(scales.size(), grid.zero);
  const Handle config = net.working.configs.create({node, is_output, slot}, spec, quant::State::kInitial);
  net.working.configs.set_scales(config, scales, zeros, {});
}

// A convolution of random shape, quantized at every slot or at some.
Net random_convolution(std::uint64_t seed) {
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
    Net net = random_convolution(seed);
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
