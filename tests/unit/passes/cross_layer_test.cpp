#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/model/graph_maker.h"
#include "tests/unit/passes/balanced_net.h"

namespace halftone::test {
namespace {

using model::test::ops_in_order;
using Ints = std::vector<std::int64_t>;

// A layer with a depthwise and a pointwise one behind it, and Clip of these limits after the first two.
BalancedNet clipped(float low, float high) {
  BalancedNet net(21);
  model::Handle x = net.input({2, 3, 8, 8});
  x = net.node("Clip", {net.conv(x, 3, 8, 1, 3, "first"), net.scalar(low), net.scalar(high)});
  x = net.node("Clip", {net.conv(x, 8, 8, 8, 3, "depthwise"), net.scalar(low), net.scalar(high)});
  x = net.node("GlobalAveragePool", {net.conv(x, 8, 4, 1, 1, "pointwise")});
  net.output(x);
  return net;
}

TEST_CASE("cross-layer-equalization: a limit for each channel is exact") {
  for (const auto &[low, ops] : {std::pair(0.0F, "Conv Relu Min Conv Relu Min Conv GlobalAveragePool"),
                                 std::pair(-2.0F, "Conv Max Min Conv Max Min Conv GlobalAveragePool")}) {
    Invariance test(clipped(low, 3));
    const double before = spread(peaks(test.tensor("first"), 0));
    test.run("cross-layer-equalization", "{clip: scale}");
    CHECK(ops_in_order(test.runner.working.model) == ops);
    CHECK(test.change() < kSame);
    CHECK(test.ranges.passes == 0);
    CHECK(spread(peaks(test.tensor("first"), 0)) < 0.7 * before);
    CHECK(test.runner.row("limits") == "2 Clip by Min with a limit for each channel");
    const model::Model &m = test.runner.working.model;
    const auto made = peaks(test.tensor("first"), 0), read = peaks(test.tensor("depthwise"), 0);
    for (std::size_t c = 0; c < made.size(); ++c) CHECK(made[c] == doctest::Approx(read[c]).epsilon(0.02));
    CHECK(m.graph(m.main_graph()).outputs.size() == 1);
  }
}

TEST_CASE("cross-layer-equalization: Relu takes the place of a Clip that cuts nothing") {
  Invariance loose(clipped(0, 1e6F));
  loose.run("cross-layer-equalization", "{clip: replace}");
  CHECK(ops_in_order(loose.runner.working.model) == "Conv Relu Conv Relu Conv GlobalAveragePool");
  CHECK(loose.change() < kSame);
  CHECK(loose.ranges.passes == 1);

  Invariance tight(clipped(0, 0.5F));
  tight.run("cross-layer-equalization", "{clip: replace}");
  CHECK(ops_in_order(tight.runner.working.model) == "Conv Clip Conv Clip Conv GlobalAveragePool");
  CHECK(tight.change() == 0);

  Invariance forced(clipped(0, 0.5F));
  forced.run("cross-layer-equalization", "{clip: replace, force: true}");
  CHECK(ops_in_order(forced.runner.working.model) == "Conv Relu Conv Relu Conv GlobalAveragePool");
  CHECK(forced.ranges.passes == 0);
  CHECK(forced.change() > kSame);  // the paper's choice is not exact

  Invariance kept(clipped(0, 1e6F));
  kept.run("cross-layer-equalization", "{clip: keep}");
  CHECK(kept.change() == 0);
  Invariance automatic(clipped(0, 2));
  automatic.run("cross-layer-equalization");
  CHECK(automatic.change() < kSame);
  CHECK(automatic.runner.row("equalized").starts_with("16 channels at 2 places"));
  CHECK_THROWS_WITH_AS(automatic.run("cross-layer-equalization", "{force: true}"), doctest::Contains("`force`"), Error);
}

TEST_CASE("cross-layer-equalization: auto asks the platform whether Min can be quantized") {
  const std::string types =
      "halftone-platform: 1\nid: t\ntitle: t\ndoc: t\ntypes:\n"
      "  activation: {bits: 8, signed: true, symmetry: symmetric, observer: minmax}\n"
      "  weight: {bits: 8, signed: true, symmetry: symmetric, granularity: tensor, observer: minmax}\n  bias: fp32\n"
      "operators:\n  - {types: [Conv], computing: true}\n  - {types: [Clip";
  const std::string rest =
      "]}\nfusion: {activations: [], passive: false, swish: false, mish: false}\n"
      "alignment: {elementwise: none, concat: none, pooling: none, resize: none, force_overlap: false}\n"
      "dispatcher: conservative\npipeline: [assign-configs]\n";
  Invariance without(clipped(0, 2), types + rest);
  without.run("cross-layer-equalization");
  CHECK(ops_in_order(without.runner.working.model) == "Conv Clip Conv Clip Conv GlobalAveragePool");
  CHECK(without.change() == 0);
  Invariance with(clipped(0, 2), types + ", Min" + rest);
  with.run("cross-layer-equalization");
  CHECK(ops_in_order(with.runner.working.model) == "Conv Relu Min Conv Relu Min Conv GlobalAveragePool");
  CHECK(with.change() < kSame);
}

TEST_CASE("bias-absorption: exact on the data, and refused where windows read padding") {
  const auto fitting = [](std::int64_t pad) {
    BalancedNet net(23);
    model::Handle x = net.input({2, 3, 8, 8});
    const std::vector<float> b = {50, -50, 40, 0, 60, 30};
    const model::Handle high =
        net.model.add_initializer(net.model.main_graph(), "high", model::Tensor::from_floats({6}, b));
    x = net.node("Relu", {net.node("Conv", {x, net.weight({6, 3, 1, 1}), high}, {}, "up")});
    x = net.node("MaxPool", {x}, {{"kernel_shape", {Ints{2, 2}}}});
    x = net.node("Conv", {x, net.weight({4, 3, 3, 3})},
                 {{"group", {std::int64_t{2}}}, {"pads", {Ints{pad, pad, pad, pad}}}}, "down");
    x = net.node("Relu", {x});
    x = net.node("Flatten", {net.node("GlobalAveragePool", {x})});
    net.output(net.node("Gemm", {x, net.weight({4, 3}), net.weight({3})}, {{"alpha", {0.5F}}, {"beta", {2.0F}}}, "fc"));
    return net;
  };
  for (const char *by : {"minimum", "three-sigma"}) {
    Invariance test(fitting(0));
    test.run("bias-absorption", "{margin: 0, by: " + std::string(by) + "}");
    CHECK(test.change() < kSame);
    CHECK(test.ranges.passes == 1);
    const auto bias = test.weight("up", 2);
    CHECK(bias[0] < 25);
    CHECK(bias[1] == -50);
    CHECK(bias[4] < 30);
    CHECK(test.weight("down", 2).size() == 4);
    CHECK(test.runner.row("absorbed").ends_with("2 could"));
  }
  Invariance padded(fitting(1));
  const auto before = padded.weight("up", 2);
  padded.run("bias-absorption");
  CHECK(padded.weight("up", 2) == before);
  CHECK(padded.change() < kSame);
  Invariance approximate(fitting(1));
  approximate.run("bias-absorption", "{padded: approximate}");
  CHECK(approximate.weight("up", 2) != before);
  CHECK(approximate.change() > kSame);
  Invariance margin(fitting(0));
  margin.run("bias-absorption", "{margin: 0.6}");
  CHECK(margin.change() < kSame);
  Invariance none(fitting(0));
  none.run("bias-absorption", "{margin: 0}");
  CHECK(margin.weight("up", 2)[0] > none.weight("up", 2)[0] + 1);
}

TEST_CASE("bias-absorption: from a BatchNormalization, without data") {
  BalancedNet net(25);
  model::Handle x = net.input({2, 3, 6, 6});
  const auto constant = [&](const char *name, const std::vector<float> &v) {
    return net.model.add_initializer(net.model.main_graph(), name, model::Tensor::from_floats({4}, v));
  };
  x = net.conv(x, 3, 4, 1, 1, "up");
  x = net.node("BatchNormalization",
               {x, constant("gamma", {0.01F, 1, 0.02F, -0.01F}), constant("beta", {40, 2, -3, 9}),
                constant("mean", {0, 0, 0, 0}), constant("var", {9, 9, 9, 9})},
               {}, "norm");
  net.output(net.conv(net.node("Relu", {x}), 4, 3, 1, 1, "down"));
  Invariance test(std::move(net));
  test.run("bias-absorption", "{by: batch-norm}");
  CHECK(test.ranges.passes == 0);
  CHECK(test.change() < kSame);
  const auto beta = test.weight("norm", 2);
  CHECK(beta[0] == doctest::Approx(0.03));
  CHECK(beta[1] == 2);
  CHECK(beta[2] == -3);
  CHECK(beta[3] == doctest::Approx(0.03));
}

TEST_CASE("bias-absorption shifts what is noted of a layer's output by what it takes from the bias") {
  BalancedNet net(29);
  const model::Handle x = net.input({2, 3, 8, 8});
  const auto stored = [&](const char *name, const std::vector<float> &values) {
    return net.model.add_initializer(net.model.main_graph(), name,
                                     model::Tensor::from_floats({static_cast<std::int64_t>(values.size())}, values));
  };
  model::Handle y = net.node("Conv", {x, net.weight({2, 3, 1, 1})}, {}, "up");
  y = net.node(
      "BatchNormalization",
      {y, stored("scale", {-0.5F, 1}), stored("beta", {50, -2}), stored("mean", {0, 0}), stored("variance", {1, 1})},
      {}, "bn");
  net.output(net.node("Conv", {net.node("Relu", {y}), net.weight({4, 2, 1, 1})}, {}, "down"));
  Invariance test(std::move(net));
  test.run("fold-batch-norm");
  const auto &notes = test.runner.working.model.metadata;
  CHECK(notes.at("halftone.note/normal/bn_out") == "50 0.5 -2 1 ");
  const float before = test.weight("up", 2)[0];
  test.run("bias-absorption", "{margin: 0}");
  const double taken = static_cast<double>(before) - static_cast<double>(test.weight("up", 2)[0]);
  CHECK(taken > 20);
  const std::string &note = notes.at("halftone.note/normal/bn_out");
  CHECK(std::stod(note) == doctest::Approx(50 - taken).epsilon(1e-6));
  CHECK(note.ends_with(" 0.5 -2 1 "));
}

}  // namespace
}  // namespace halftone::test
