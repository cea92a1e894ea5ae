#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/model/graph_maker.h"
#include "tests/unit/passes/balanced_net.h"

namespace halftone::test {
namespace {

using model::test::ops_in_order;
using Ints = std::vector<std::int64_t>;

BalancedNet layers() {
  BalancedNet net(51);
  model::Handle x = net.input({2, 4, 7, 7});
  x = net.node(
      "Relu",
      {net.node("Conv", {x, net.weight({6, 2, 3, 3}, 0), net.weight({6})},
                {{"group", {std::int64_t{2}}}, {"pads", {Ints{1, 1, 1, 1}}}, {"strides", {Ints{2, 2}}}}, "grouped")});
  x = net.node("ConvTranspose", {x, net.weight({6, 3, 2, 2}, 1)}, {{"strides", {Ints{2, 2}}}}, "up");
  x = net.node("Conv", {x, net.weight({8, 3, 1, 1}, 0), net.weight({8})},
               {{"strides", {Ints{2, 2}}}, {"pads", {Ints{1, 0, 1, 0}}}}, "pointwise");
  x = net.node("Flatten", {net.node("GlobalAveragePool", {x})});
  x = net.node("Gemm", {x, net.weight({8, 9}, 0), net.weight({2, 9})}, {{"alpha", {0.5F}}, {"beta", {2.0F}}}, "plain");
  x = net.node("Gemm", {net.node("Transpose", {x}), net.weight({7, 9}, 1)},
               {{"transA", {std::int64_t{1}}}, {"transB", {std::int64_t{1}}}}, "turned");
  x = net.node("MatMul", {x, net.weight({7, 5}, 0)}, {}, "matmul");
  net.output(net.node("MatMul", {net.weight({6, 2}, 1), x}, {}, "left"));
  return net;
}

const std::vector<const char *> kLayers = {"grouped", "up", "pointwise", "plain", "turned", "matmul", "left"};

double largest(const Invariance &net, const char *name) {
  const auto peak = peaks(net.tensor(name, std::string(name) == "left" ? 0 : 1), 0);
  return *std::max_element(peak.begin(), peak.end());
}

TEST_CASE("weight-split: large weights in two layers whose outputs are added") {
  for (const char *settings : {"{value_threshold: 0.5}", "{value_threshold: 0.5, method: random, seed: 7}"}) {
    Invariance test(layers());
    std::map<std::string, double> before;
    for (const char *name : kLayers) before[name] = largest(test, name);
    test.run("weight-split", settings);
    CHECK_MESSAGE(test.change() < kSame, settings);
    CHECK(test.runner.row("split") == "7 layers");
    for (const char *name : kLayers) CHECK(largest(test, name) < before[name]);
  }
  Invariance half(layers());
  const double before = largest(half, "up");
  half.run("weight-split", "{value_threshold: 0.001}");
  CHECK(largest(half, "up") == doctest::Approx(before / 2));
  Invariance none(layers());
  none.run("weight-split", "{value_threshold: 100000}");
  CHECK(none.change() == 0);
  CHECK(none.runner.row("split") == "0 layers");
}

TEST_CASE("horizontal-layer-split: named layers, and the same random parts each time") {
  std::vector<float> first;
  for (int i = 0; i < 2; ++i) {
    Invariance test(layers());
    test.run("horizontal-layer-split", "{layers: [p*], value_threshold: 0.2, method: random, seed: 3}");
    CHECK(test.runner.row("split") == "2 layers");
    CHECK(test.change() < kSame);
    CHECK(test.weight("up") == Invariance(layers()).weight("up"));
    if (i == 0) first = test.weight("pointwise");
    CHECK(test.weight("pointwise") == first);
  }
  Invariance other(layers());
  other.run("horizontal-layer-split", "{layers: [p*], value_threshold: 0.2, method: random, seed: 4}");
  CHECK(other.weight("pointwise") != first);
  CHECK_THROWS_WITH_AS(other.run("horizontal-layer-split", "{layers: []}"), doctest::Contains("`layers` is empty"),
                       Error);
}

TEST_CASE("weight-split: a model's output keeps its name, a shared weight stays for the others") {
  BalancedNet net(53);
  const model::Handle x = net.input({3, 4}), w = net.weight({4, 4});
  const model::Handle y = net.node("Gemm", {x, w}, {}, "first");
  net.output(y);
  net.output(net.node("Gemm", {net.node("Relu", {y}), w}, {}, "second"));
  Invariance test(std::move(net));
  test.run("weight-split", "{layers: [first], value_threshold: 0.1}");
  CHECK(test.change() < kSame);
  const model::Model &m = test.runner.working.model;
  CHECK(m.value(m.graph(m.main_graph()).outputs[0]).name == "first_out");
  CHECK(test.weight("second") != test.weight("first"));
}

TEST_CASE("matrix-factorization: all singular values are exact, fewer are an approximation") {
  Invariance all(layers());
  all.run("matrix-factorization", "{grow: true}");
  CHECK(all.runner.row("factorized") == "5 layers");
  CHECK(all.change() < kSame);
  Invariance kept(layers());
  kept.run("matrix-factorization", "{rank: 1000}");
  CHECK(kept.runner.row("factorized") == "0 layers");
  CHECK(kept.runner.row("left").starts_with("5 layers"));
  CHECK(kept.change() == 0);
  Invariance cut(layers());
  cut.run("matrix-factorization", "{rank: 2, layers: [plain]}");
  CHECK(cut.tensor("plain").shape() == model::Shape{2, 9});
  CHECK(cut.change() > kSame);

  // A weight of rank 2 needs two singular values.
  BalancedNet net(55);
  const model::Handle x = net.input({4, 12});
  std::vector<float> w(12 * 10);
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = static_cast<float>(i / 10) * static_cast<float>(i % 10 + 1) * 0.01F +
           (i % 10 < 5 ? 0.5F : -0.25F) * static_cast<float>(i / 10 % 3);
  }
  const model::Handle low =
      net.model.add_initializer(net.model.main_graph(), "low", model::Tensor::from_floats({12, 10}, w));
  net.output(net.node("MatMul", {x, low}, {}, "low_rank"));
  Invariance exact(std::move(net));
  exact.run("matrix-factorization", "{energy: 0.99999999}");
  CHECK(exact.tensor("low_rank").shape() == model::Shape{2, 10});
  CHECK(exact.change() < kSame);
}

TEST_CASE("format-gemm: transB = 1, alpha = beta = 1") {
  Invariance test(layers());
  test.run("format-gemm");
  CHECK(test.change() < kSame);
  CHECK(test.runner.row("written") == "1 Gemm");
  const model::Model &m = test.runner.working.model;
  CHECK(model::test::attribute<std::int64_t>(m, test.runner.node("plain"), "transB") == 1);
  CHECK(model::test::attribute<float>(m, test.runner.node("plain"), "alpha") == 1);
  CHECK(model::test::attribute<float>(m, test.runner.node("plain"), "beta") == 1);
  CHECK(test.tensor("plain").shape() == model::Shape{9, 8});

  BalancedNet net(57);
  const model::Handle x = net.input({3, 4});
  const model::Handle a = net.node("Gemm", {x, net.weight({4, 5}), net.weight({5})}, {{"beta", {0.0F}}}, "no bias");
  const model::Handle b = net.node("Gemm", {x, net.weight({4, 5}), a}, {{"beta", {3.0F}}}, "computed");
  net.output(net.node("Gemm", {x, net.weight({4, 5}), b}, {}, "plain bias"));
  Invariance odd(std::move(net));
  odd.run("format-gemm");
  CHECK(odd.change() < kSame);
  CHECK(odd.runner.row("written") == "2 Gemm");
  CHECK(odd.runner.row("left").starts_with("1 Gemm"));
}

}  // namespace
}  // namespace halftone::test
