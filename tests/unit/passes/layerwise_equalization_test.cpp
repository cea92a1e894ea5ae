#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/passes/balanced_net.h"

namespace halftone::test {
namespace {

using Ints = std::vector<std::int64_t>;
constexpr const char *kAll = "{value_threshold: 0}";

// Spread of a weight's rows (axis 0) of a named node.
double rows_of(Invariance &net, const char *name, std::size_t axis = 0) {
  return spread(peaks(net.tensor(name), axis));
}

TEST_CASE("layerwise-equalization: a chain with depthwise, grouped and pooled layers") {
  BalancedNet net(3);
  model::Handle x = net.input({1, 3, 8, 8});
  x = net.node("Relu", {net.conv(x, 3, 8, 1, 3, "first")});
  x = net.node("LeakyRelu", {net.conv(x, 8, 8, 8, 3, "depthwise")}, {{"alpha", {0.2F}}});
  x = net.node("MaxPool", {x}, {{"kernel_shape", {Ints{2, 2}}}, {"strides", {Ints{2, 2}}}});
  x = net.node("PRelu", {net.conv(x, 8, 12, 4, 3, "grouped"), net.weight({12, 1, 1})});
  x = net.node("AveragePool", {x}, {{"kernel_shape", {Ints{3, 3}}}, {"pads", {Ints{1, 1, 1, 1}}}});
  x = net.node("GlobalAveragePool", {net.conv(x, 12, 6, 1, 1, "pointwise")});
  x = net.node("Flatten", {x});
  net.output(net.node("Gemm", {x, net.weight({4, 6}, 1), net.weight({4})}, {{"transB", {std::int64_t{1}}}}, "fc"));
  Invariance test(std::move(net));
  const double first = rows_of(test, "first"), pointwise = rows_of(test, "pointwise");
  test.run("layerwise-equalization", kAll);
  CHECK(test.change() < kSame);
  CHECK(rows_of(test, "first") < 0.7 * first);
  CHECK(rows_of(test, "pointwise") < 0.7 * pointwise);
  CHECK(test.runner.row("equalized").starts_with("34 channels at 4 places"));
  // Balanced: what makes a channel has the range of what reads it.
  const auto made = peaks(test.tensor("first"), 0), read = peaks(test.tensor("depthwise"), 0);
  for (std::size_t c = 0; c < made.size(); ++c) CHECK(made[c] == doctest::Approx(read[c]).epsilon(0.01));
}

TEST_CASE("layerwise-equalization: transposed convolutions, Gemm in all layouts, MatMul with Add") {
  BalancedNet net(5);
  model::Handle x = net.input({2, 6, 5, 5});
  x = net.node("ConvTranspose", {x, net.weight({6, 2, 3, 3}, 1), net.weight({4})}, {{"group", {std::int64_t{2}}}},
               "up");
  x = net.node("ConvTranspose", {net.node("Relu", {x}), net.weight({4, 3, 2, 2}, 0), net.weight({6})},
               {{"group", {std::int64_t{2}}}, {"strides", {Ints{2, 2}}}}, "up2");
  x = net.node("Flatten", {net.node("GlobalMaxPool", {x})});
  x = net.node("Gemm", {x, net.weight({6, 8}, 0), net.weight({2, 8})}, {{"alpha", {0.5F}}, {"beta", {2.0F}}}, "plain");
  x = net.node("Gemm", {net.node("Relu", {x}), net.weight({7, 8}, 1), net.weight({1})}, {{"transB", {std::int64_t{1}}}},
               "b");
  x = net.node("Add", {net.weight({9}), net.node("MatMul", {x, net.weight({7, 9}, 0)}, {}, "matmul")});
  x = net.node("MatMul", {net.node("Relu", {x}), net.weight({9, 5}, 0)}, {}, "last");
  net.output(
      net.node("Gemm", {net.node("Transpose", {x}), net.weight({5, 3}, 0)}, {{"transA", {std::int64_t{1}}}}, "a"));
  Invariance test(std::move(net));
  const double before = rows_of(test, "plain", 1), last = rows_of(test, "last");
  test.run("layerwise-equalization", kAll);
  CHECK(test.change() < kSame);
  CHECK(test.runner.row("equalized").starts_with("39 channels at 6 places"));
  CHECK(rows_of(test, "plain", 1) != before);
  CHECK(rows_of(test, "last") < 0.5 * last);
}

BalancedNet residual() {
  BalancedNet net(7);
  const model::Handle x = net.input({1, 4, 6, 6});
  const model::Handle a = net.conv(x, 4, 8, 1, 3, "stem");
  const model::Handle b = net.conv(net.node("Relu", {a}), 8, 8, 1, 3, "branch");
  const model::Handle sum = net.node("Relu", {net.node("Add", {a, b})});
  const model::Handle c = net.conv(sum, 8, 8, 1, 1, "next");
  const model::Handle diff = net.node("Sub", {sum, c});
  net.output(net.conv(diff, 8, 3, 1, 1, "head"));
  return net;
}

TEST_CASE("layerwise-equalization: residual sums are followed at level 2 and end a place at level 1") {
  Invariance both(residual());
  both.run("layerwise-equalization", kAll);
  CHECK(both.change() < kSame);
  CHECK(both.runner.row("equalized").starts_with("8 channels at 1 places"));
  Invariance chain(residual());
  chain.run("layerwise-equalization", "{value_threshold: 0, level: 1}");
  CHECK(chain.change() == 0);
  CHECK(chain.runner.row("equalized").starts_with("0 channels"));
}

TEST_CASE("layerwise-equalization: concatenation, splits and slices keep the channels apart") {
  BalancedNet net(9);
  const model::Handle x = net.input({1, 5, 6, 6});
  const model::Handle a = net.conv(x, 5, 4, 1, 3, "a"), b = net.conv(x, 5, 6, 1, 3, "b");
  const model::Handle all = net.node("Concat", {net.node("Relu", {a}), x, b}, {{"axis", {std::int64_t{1}}}});
  net.output(net.conv(all, 15, 4, 1, 1, "whole"));
  const model::Handle part =
      net.node("Slice", {all, net.integers({2}), net.integers({12}), net.integers({1}), net.integers({2})});
  net.output(net.conv(part, 5, 4, 1, 1, "part"));
  Invariance test(std::move(net));
  const double before = rows_of(test, "a");
  test.run("layerwise-equalization", kAll);
  CHECK(test.change() < kSame);
  CHECK(test.runner.row("equalized").starts_with("10 channels at 1 places"));
  CHECK(rows_of(test, "a") < before);
}

TEST_CASE("layerwise-equalization: what leaves the model, or is read by other operators, keeps its scale") {
  for (const std::string spoiler : {"output", "Sigmoid", "subgraph-free"}) {
    BalancedNet net(11);
    const model::Handle x = net.input({1, 3, 6, 6});
    const model::Handle y = net.node("Relu", {net.conv(x, 3, 8, 1, 3, "first")});
    if (spoiler == "output") net.output(y);
    if (spoiler == "Sigmoid") net.output(net.node("Sigmoid", {y}));
    net.output(net.conv(y, 8, 3, 1, 1, "second"));
    Invariance test(std::move(net));
    test.run("layerwise-equalization", kAll);
    CHECK_MESSAGE(test.change() < kSame, spoiler);
    CHECK(test.runner.row("equalized").starts_with(spoiler == "subgraph-free" ? "8 channels" : "0 channels"));
  }
}

TEST_CASE("layerwise-equalization: what a subgraph reads keeps its scale") {
  for (const bool read : {true, false}) {
    BalancedNet net(12);
    const model::Handle x = net.input({1, 3, 6, 6});
    const model::Handle y = net.node("Relu", {net.conv(x, 3, 8, 1, 3, "first")});
    net.output(net.conv(y, 8, 3, 1, 1, "second"));
    model::Model &m = net.model;
    const model::Handle condition = m.add_value(m.main_graph(), "condition"), z = m.add_value(m.main_graph(), "z");
    m.mark_input(condition);
    const model::Handle choose = m.add_node(m.main_graph(), "If", "", "choose", std::vector{condition}, std::vector{z});
    const model::Handle body = m.add_graph("then", choose), inner = m.add_value(body, "inner");
    m.add_node(body, "Relu", "", "relu", std::vector{read ? y : x}, std::vector{inner});
    m.mark_output(inner);
    m.mark_output(z);
    PassRunner runner(std::move(net.model));
    runner.run("layerwise-equalization", kAll);
    CHECK(runner.row("equalized").starts_with(read ? "0 channels" : "8 channels"));
  }
}

TEST_CASE("layerwise-equalization: a weight of two layers is scaled for each of them alone") {
  BalancedNet net(13);
  const model::Handle x = net.input({1, 6, 6, 6});
  const model::Handle shared = net.weight({6, 6, 1, 1}, 0), bias = net.weight({6});
  const model::Handle a = net.node("Conv", {x, shared, bias}, {}, "once");
  const model::Handle b = net.node("Conv", {net.node("Relu", {a}), shared, bias}, {}, "twice");
  net.output(net.conv(net.node("Relu", {b}), 6, 4, 1, 1, "head"));
  net.output(net.node("Conv", {x, shared}, {}, "as it was"));
  Invariance test(std::move(net));
  const auto original = test.weight("once");
  test.run("layerwise-equalization", kAll);
  CHECK(test.change() < kSame);
  CHECK(test.weight("as it was") == original);
  CHECK(test.weight("once") != original);
  CHECK(test.weight("once") != test.weight("twice"));
}

TEST_CASE("layerwise-equalization: a gate keeps its scale, what it gates does not") {
  BalancedNet net(15);
  const model::Handle x = net.input({1, 3, 6, 6});
  const model::Handle y = net.conv(x, 3, 8, 1, 3, "first");
  const model::Handle gate = net.node("Sigmoid", {net.conv(net.node("GlobalAveragePool", {y}), 8, 8, 1, 1, "squeeze")});
  net.output(net.conv(net.node("Mul", {gate, y}), 8, 4, 1, 1, "head"));
  Invariance test(std::move(net));
  test.run("layerwise-equalization", kAll);
  CHECK(test.change() < kSame);
  CHECK(test.runner.row("equalized").starts_with("8 channels at 1 places"));
}

TEST_CASE("layerwise-equalization: parameters do what they say") {
  const auto chain = [] {
    BalancedNet net(17);
    const model::Handle x = net.input({1, 3, 6, 6});
    const model::Handle y = net.node("Relu", {net.conv(x, 3, 8, 1, 3, "first")});
    net.output(net.conv(y, 8, 3, 1, 1, "second"));
    return net;
  };
  const auto run = [&](const std::string &settings) {
    Invariance test(chain());
    test.run("layerwise-equalization", settings);
    CHECK(test.change() < kSame);
    return test.weight("first");
  };
  const auto plain = run(kAll), before = Invariance(chain()).weight("first");
  CHECK(run("{value_threshold: 1000000}") == before);
  CHECK(run("{value_threshold: 0, layers: [sec*]}") == before);
  CHECK(run("{value_threshold: 0, layers: [fir*]}") == plain);
  CHECK(run("{value_threshold: 0, include_biases: true, bias_multiplier: 100}") != plain);
  CHECK(run("{value_threshold: 0, include_weights: false, include_biases: true}") != plain);
  CHECK(run("{value_threshold: 0, include_activations: true, activation_multiplier: 10}") != plain);
  CHECK(run("{value_threshold: 0, include_weights: false, include_activations: true}") != plain);
  CHECK(run("{value_threshold: 0, include_biases: true, weight_multiplier: 0.01}") != plain);
  const auto limited = run("{value_threshold: 0, iterations: 1, least_factor: 0.9, most_factor: 1.1}");
  for (std::size_t i = 0; i < limited.size(); ++i) {
    const double factor = static_cast<double>(limited[i]) / static_cast<double>(before[i]);
    CHECK(factor > 0.899);
    CHECK(factor < 1.101);
  }
  Invariance test(chain());
  CHECK_THROWS_WITH_AS(test.run("layerwise-equalization", "{layers: [none*]}"),
                       doctest::Contains("no node is named 'none*'"), Error);
}

TEST_CASE("layerwise-equalization: activations are asked for once, per channel") {
  BalancedNet net(19);
  const model::Handle x = net.input({1, 3, 6, 6});
  const model::Handle y = net.node("Relu", {net.conv(x, 3, 8, 1, 3, "first")});
  net.output(net.conv(y, 8, 3, 1, 1, "second"));
  Invariance test(std::move(net));
  test.run("layerwise-equalization",
           "{include_activations: true, include_weights: false, activation_multiplier: 1, value_threshold: 0}");
  CHECK(test.ranges.passes == 1);
  CHECK(test.change() < kSame);
}

}  // namespace
}  // namespace halftone::test
