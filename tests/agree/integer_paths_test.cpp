// Integer mode: every fast way of executor onednn gives the bits of executor reference, on shapes and attributes by
// dice.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/agree/integer_net.h"

namespace halftone::test {
namespace {

using model::Handle;
using model::Shape;

// A net by dice, with what the tests of this file have in common.
struct Rolled {
  explicit Rolled(std::uint64_t seed) : net(seed) {}

  Net net;

  std::int64_t roll(std::uint64_t sides) { return static_cast<std::int64_t>(net.roll(sides)); }
  Handle producer(Handle value) { return net.working.model.value(value).producer; }

  // Codes of 8 bits mostly, of any zero point; now and then of 16.
  Grid codes(float range) {
    const bool is_signed = net.roll(2) == 0;
    if (net.roll(10) == 0) return {16, is_signed, range / 30000, static_cast<std::int32_t>(is_signed ? 0 : 32768)};
    return {8, is_signed, range / 120, static_cast<std::int32_t>(is_signed ? roll(256) - 128 : roll(256))};
  }
  // Weights of signed bytes mostly, with one scale or one for each channel; now and then with a zero point.
  void quantize_weight(Handle node, std::int64_t channels, std::int32_t axis) {
    if (net.roll(6) == 0) return put(net, node, false, 1, {8, false, 0.0078F, static_cast<std::int32_t>(roll(256))});
    put(net, node, false, 1, {8, true, 0.0078F}, net.roll(2) == 0 ? static_cast<std::size_t>(channels) : 0, axis);
  }
  // Codes behind it mostly, floats otherwise.
  void quantize_output(Handle value) {
    if (net.roll(6) != 0) put(net, producer(value), true, 0, codes(4));
  }
  Net::Ints ints(std::size_t count, std::int64_t least, std::uint64_t sides) {
    Net::Ints out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(least + roll(sides));
    return out;
  }
  // A convolution whose result lies with the channels last; of 8 bits.
  Handle channels_last(std::int64_t channels, const Shape &spatial) {
    Shape x = {1 + roll(2), 3}, w = {channels, 3};
    x.insert(x.end(), spatial.begin(), spatial.end());
    w.resize(x.size(), 1);
    const Handle y = net.node("Conv", {net.input(x), net.weight(w)});
    put(net, producer(y), false, 0, {8, false, 0.008F, 128});
    put(net, producer(y), false, 1, {8, true, 0.0078F});
    const bool is_signed = net.roll(2) == 0;
    put(net, producer(y), true, 0,
        {8, is_signed, 0.015F, static_cast<std::int32_t>(is_signed ? roll(60) : 100 + roll(60))});
    return y;
  }
};

Rolled random_convolution(std::uint64_t seed) {
  Rolled r(seed);
  const std::size_t axes = 1 + r.net.roll(3);
  const std::int64_t kind = r.roll(4);  // depthwise, groups of one input, groups, dense
  const std::int64_t group = kind == 3 ? 1 : 1 + r.roll(kind == 2 ? 6 : 70);
  const std::int64_t inputs = group * (kind < 2 ? 1 : 1 + r.roll(kind == 2 ? 9 : 70));
  const std::int64_t outputs = group * (kind == 0 ? 1 : 1 + r.roll(kind == 3 ? 90 : 20));
  const Net::Ints kernel = r.ints(axes, 1, axes == 3 ? 3 : 5), strides = r.ints(axes, 1, 3);
  const Net::Ints dilations = r.ints(axes, 1, 3), pads = r.ints(2 * axes, 0, 4);
  Shape x = {1 + r.roll(2), inputs}, w = {outputs, inputs / group};
  for (std::size_t i = 0; i < axes; ++i) {
    x.push_back((kernel[i] - 1) * dilations[i] + 1 + r.roll(axes == 1 ? 40 : axes == 2 ? 12 : 5));
    w.push_back(kernel[i]);
  }
  Net::Attributes attributes = {Net::ints("strides", strides), Net::ints("dilations", dilations),
                                Net::integer("group", group)};
  static const char *const kPads[] = {"SAME_UPPER", "SAME_LOWER", "VALID"};
  const std::uint64_t automatic = r.net.roll(8);
  if (automatic < 3) {
    attributes.push_back({"auto_pad", {std::string(kPads[automatic])}});
  } else {
    attributes.push_back(Net::ints("pads", pads));
  }
  std::vector<Handle> in = {r.net.input(x), r.net.weight(w)};
  if (r.net.roll(3) != 0) in.push_back(r.net.weight({outputs}));
  const Handle y = r.net.node("Conv", in, attributes);
  put(r.net, r.producer(y), false, 0, r.codes(1));
  r.quantize_weight(r.producer(y), outputs, 0);
  r.quantize_output(y);
  r.net.output(y);
  return r;
}

Rolled random_transposed_convolution(std::uint64_t seed) {
  Rolled r(seed);
  const std::size_t axes = 1 + r.net.roll(3);
  const std::int64_t group = r.net.roll(2) == 0 ? 1 : 1 + r.roll(4);
  const std::int64_t inputs = group * (1 + r.roll(20)), outputs = 1 + r.roll(30);
  const Net::Ints kernel = r.ints(axes, 1, axes == 3 ? 3 : 5), strides = r.ints(axes, 1, axes == 3 ? 2 : 4);
  const Net::Ints dilations = r.ints(axes, 1, 3), pads = r.ints(2 * axes, 0, 2);
  Shape x = {1 + r.roll(2), inputs}, w = {inputs, outputs};
  for (std::size_t i = 0; i < axes; ++i) {
    x.push_back(3 + r.roll(axes == 3 ? 3 : 7));
    w.push_back(kernel[i]);
  }
  Net::Attributes attributes = {Net::ints("strides", strides), Net::ints("dilations", dilations),
                                Net::integer("group", group)};
  const std::uint64_t padding = r.net.roll(8);
  if (padding < 2) {
    attributes.push_back({"auto_pad", {std::string(padding == 0 ? "SAME_UPPER" : "SAME_LOWER")}});
  } else if (padding == 2) {
    Net::Ints shape;
    for (std::size_t i = 0; i < axes; ++i) shape.push_back(x[i + 2] * strides[i] + r.roll(2));
    attributes.push_back(Net::ints("output_shape", shape));
  } else {
    attributes.push_back(Net::ints("pads", pads));
    Net::Ints extra;
    for (std::size_t i = 0; i < axes; ++i) extra.push_back(r.roll(static_cast<std::uint64_t>(strides[i])));
    if (r.net.roll(2) == 0) attributes.push_back(Net::ints("output_padding", extra));
  }
  std::vector<Handle> in = {r.net.input(x), r.net.weight(w)};
  if (r.net.roll(3) != 0) in.push_back(r.net.weight({outputs * group}));
  const Handle y = r.net.node("ConvTranspose", in, attributes);
  put(r.net, r.producer(y), false, 0, r.codes(1));
  r.quantize_weight(r.producer(y), outputs, 1);
  r.quantize_output(y);
  r.net.output(y);
  return r;
}

// Of two values: MatMul with axes before the matrices that broadcast, or Gemm.
Rolled random_product(std::uint64_t seed) {
  Rolled r(seed);
  const bool gemm = r.net.roll(4) == 0, transposed = gemm && r.net.roll(2) == 0;
  const std::int64_t rows = 1 + r.roll(60), depth = 1 + r.roll(150), columns = 1 + r.roll(90);
  Shape a = {rows, depth}, b = {transposed ? columns : depth, transposed ? depth : columns};
  for (std::uint64_t i = 0, axes = gemm ? 0 : r.net.roll(3); i < axes; ++i) {
    const std::int64_t extent = 1 + r.roll(4), kind = r.roll(4);
    a.insert(a.begin(), kind == 0 ? 1 : extent);
    b.insert(b.begin(), kind == 1 ? 1 : extent);
  }
  if (b.size() > 2 && r.net.roll(4) == 0) b.erase(b.begin());
  const Handle y = r.net.node(gemm ? "Gemm" : "MatMul", {r.net.input(a), r.net.input(b)},
                              gemm ? Net::Attributes{Net::integer("transB", transposed ? 1 : 0)} : Net::Attributes{});
  put(r.net, r.producer(y), false, 0, r.codes(1));
  put(r.net, r.producer(y), false, 1, {8, true, 0.008F, static_cast<std::int32_t>(r.roll(256) - 128)});
  r.quantize_output(y);
  r.net.output(y);
  return r;
}

Rolled random_pool(std::uint64_t seed) {
  Rolled r(seed);
  const std::size_t axes = 1 + r.net.roll(3);
  const Net::Ints kernel = r.ints(axes, 1, 4), strides = r.ints(axes, 1, 3);
  Shape spatial;
  Net::Ints pads(2 * axes);
  for (std::size_t i = 0; i < axes; ++i) {
    spatial.push_back(kernel[i] + r.roll(6));
    pads[i] = r.roll(static_cast<std::uint64_t>(kernel[i]));
    pads[axes + i] = r.roll(static_cast<std::uint64_t>(kernel[i]));
  }
  const Handle x = r.channels_last(1 + r.roll(40), spatial);
  Handle y;
  const std::uint64_t kind = r.net.roll(4);
  if (kind == 0) {
    y = r.net.node("GlobalAveragePool", {x});
  } else {
    Net::Attributes attributes = {Net::ints("kernel_shape", kernel), Net::ints("strides", strides),
                                  Net::ints("pads", pads), Net::integer("ceil_mode", r.roll(2))};
    if (kind != 1) attributes.push_back(Net::integer("count_include_pad", r.roll(2)));
    y = r.net.node(kind == 1 ? "MaxPool" : "AveragePool", {x}, attributes);
  }
  if (kind != 1) put(r.net, r.producer(y), true, 0, {8, r.net.roll(2) == 0, 0.012F, 10});
  r.net.output(r.net.node("Relu", {y}));
  return r;
}

// Slice, Pad, a function of one code, and Concat of values on different grids.
Rolled random_move(std::uint64_t seed) {
  Rolled r(seed);
  const Shape spatial = {4 + r.roll(5), 4 + r.roll(5)};
  const std::int64_t channels = 2 + r.roll(80);
  const Handle x = r.channels_last(channels, spatial);
  const std::uint64_t kind = r.net.roll(4);
  Handle y;
  if (kind == 0) {
    const Net::Ints axes = r.net.roll(2) == 0 ? Net::Ints{2, -1} : Net::Ints{1, 2};
    y = r.net.node("Slice",
                   {x, r.net.integers({r.roll(3), r.roll(2) - 3}), r.net.integers({r.roll(2) == 0 ? 1000 : -1, 50}),
                    r.net.integers(axes), r.net.integers({1 + r.roll(3), 1 + r.roll(2)})});
  } else if (kind == 1) {
    y = r.net.node("Pad", {x, r.net.integers(r.ints(8, 0, 3))});
  } else if (kind == 2) {
    static const char *const kOps[] = {"Sigmoid", "HardSwish", "LeakyRelu"};
    y = r.net.node(kOps[r.net.roll(3)], {x});
    put(r.net, r.producer(y), true, 0, {8, r.net.roll(2) == 0, 0.02F, 20});
  } else {
    const Handle other = r.net.node("LeakyRelu", {x});
    put(r.net, r.producer(other), true, 0, {8, true, 0.03F, -5});
    y = r.net.node("Concat", {x, other, x}, {Net::integer("axis", 1)});
    put(r.net, r.producer(y), true, 0, {8, r.net.roll(2) == 0, 0.02F, 30});
  }
  r.net.output(y);
  return r;
}

void check_all(Rolled (*make)(std::uint64_t), std::uint64_t cases, const char *what) {
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    Rolled r = make(seed);
    const std::string difference = differing(r.net, seed);
    CHECK_MESSAGE(difference.empty(), what, " ", seed, ", ", difference);
  }
}

}  // namespace

TEST_CASE("convolutions of every kind have the same bits in integer mode on both executors") {
  check_all(&random_convolution, 500, "convolution");
}

TEST_CASE("transposed convolutions have the same bits in integer mode on both executors") {
  check_all(&random_transposed_convolution, 300, "transposed convolution");
}

TEST_CASE("products of two values have the same bits in integer mode on both executors") {
  check_all(&random_product, 200, "product");
}

TEST_CASE("poolings with the channels last have the same bits in integer mode on both executors") {
  check_all(&random_pool, 300, "pooling");
}

TEST_CASE("moved and mapped codes have the same bits in integer mode on both executors") {
  check_all(&random_move, 300, "move");
}

TEST_CASE("onednn has a fast way in integer mode for groups, three axes, transposed convolutions and two values") {
  const auto way = [](const char *op, const Shape &x, const Shape &w, std::int64_t group) {
    Net net;
    const Handle y = group == 0 ? net.node(op, {net.input(x), net.input(w)})
                                : net.node(op, {net.input(x), net.weight(w)}, {Net::integer("group", group)});
    const Handle node = net.working.model.value(y).producer;
    put(net, node, false, 0, {8, false, 0.008F, 128});
    put(net, node, false, 1, {8, true, 0.0078F});
    put(net, node, true, 0, {8, false, 0.05F, 120});
    net.output(y);
    return ways(net, 1)[op];
  };
  CHECK(way("Conv", {1, 8, 6, 6}, {12, 2, 3, 3}, 4) == "integer sums");
  CHECK(way("Conv", {1, 8, 6, 6}, {8, 1, 3, 3}, 8) == "integer sums");
  CHECK(way("Conv", {1, 8, 20}, {8, 8, 3}, 1) == "integer sums");
  CHECK(way("Conv", {1, 8, 6, 6, 6}, {8, 8, 3, 3, 3}, 1) == "integer sums");
  CHECK(way("ConvTranspose", {1, 8, 6, 6}, {8, 4, 2, 2}, 2) == "integer sums");
  CHECK(way("MatMul", {2, 5, 8}, {2, 8, 7}, 0) == "integer sums");
  // Nothing is fast over four axes.
  CHECK(way("Conv", {1, 2, 3, 3, 3, 3}, {2, 2, 1, 1, 1, 1}, 1) == "integer sums, plainly");
}

}  // namespace halftone::test
