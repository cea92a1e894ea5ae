#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/model/graph_maker.h"
#include "tests/unit/passes/balanced_net.h"

namespace halftone::test {
namespace {

using model::test::ops_in_order;

// Query, key and value behind one LayerNormalization, in one operator or in parts.
BalancedNet attention(bool fused) {
  BalancedNet net(31);
  const model::Handle x = net.input({2, 5, 8});
  const model::Handle gamma = net.weight({8}, 0), beta = net.weight({8});
  model::Handle n = 0;
  if (fused) {
    n = net.node("LayerNormalization", {x, gamma, beta}, {{"axis", {std::int64_t{-1}}}}, "norm");
  } else {
    const Attributes axes = {{"axes", {std::vector<std::int64_t>{-1}}}};
    const model::Handle centred = net.node("Sub", {x, net.node("ReduceMean", {x}, axes)});
    const model::Handle variance = net.node("ReduceMean", {net.node("Mul", {centred, centred})}, axes);
    const model::Handle unit =
        net.node("Div", {centred, net.node("Sqrt", {net.node("Add", {variance, net.scalar(1e-5F)})})});
    n = net.node("Add", {net.node("Mul", {unit, gamma}, {}, "norm"), beta});
  }
  const model::Handle q = net.node("Add", {net.node("MatMul", {n, net.weight({8, 8}, 0)}, {}, "q"), net.weight({8})});
  const model::Handle k = net.node("MatMul", {n, net.weight({8, 8})}, {}, "k");
  const model::Handle v = net.node("MatMul", {n, net.weight({8, 8}, 1)}, {}, "v");
  const model::Handle kt = net.node("Transpose", {k}, {{"perm", {std::vector<std::int64_t>{0, 2, 1}}}});
  const model::Handle scores = net.node("Softmax", {net.node("Mul", {net.node("MatMul", {q, kt}), net.scalar(0.05F)})});
  const model::Handle mixed = net.node("MatMul", {scores, v});
  net.output(net.node("MatMul", {mixed, net.weight({8, 6}, 0)}, {}, "o"));
  return net;
}

TEST_CASE("smooth-quant: query, key and value share the factors that LayerNormalization takes") {
  for (const bool fused : {true, false}) {
    Invariance test(attention(fused));
    const auto gamma = test.weight("norm"), q = test.weight("q"), k = test.weight("k");
    const std::string before = ops_in_order(test.runner.working.model);
    test.run("smooth-quant");
    CHECK(test.change() < kSame);
    CHECK(ops_in_order(test.runner.working.model) == before);
    CHECK(test.ranges.passes == 1);
    CHECK(test.runner.row("smoothed") == "3 layers without, 0 with a Mul");
    const auto gamma_now = test.weight("norm"), q_now = test.weight("q"), k_now = test.weight("k");
    for (std::size_t c = 0; c < 8; ++c) {
      const double s = static_cast<double>(gamma[c]) / static_cast<double>(gamma_now[c]);
      for (std::size_t o = 0; o < 8; ++o) {
        CHECK(q_now[c * 8 + o] / q[c * 8 + o] == doctest::Approx(s).epsilon(1e-4));
        CHECK(k_now[c * 8 + o] / k[c * 8 + o] == doctest::Approx(s).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE("smooth-quant: a Mul where nothing takes the factors, and the paper's s") {
  Invariance test(attention(true));
  test.run("smooth-quant", "{insert_mul: true, alpha: 0.75}");
  CHECK(test.change() < kSame);
  CHECK(test.runner.row("smoothed") == "3 layers without, 1 with a Mul");
  CHECK(ops_in_order(test.runner.working.model).ends_with("MatMul Mul MatMul"));

  BalancedNet net(33);
  const model::Handle x = net.input({16, 4});
  net.output(net.node("Gemm", {x, net.weight({3, 4}, 1), net.weight({3})}, {{"transB", {std::int64_t{1}}}}, "fc"));
  std::vector<double> activation(4, 0.0);
  for (std::uint64_t seed = 100; seed < 104; ++seed) {
    const auto peak = peaks(net.sample(seed)[0], 1);
    for (std::size_t c = 0; c < 4; ++c) activation[c] = std::max(activation[c], peak[c]);
  }
  Invariance plain(std::move(net));
  const auto weight = peaks(plain.tensor("fc"), 1);
  plain.run("smooth-quant", "{insert_mul: true, alpha: 0.3}");
  CHECK(plain.change() < kSame);
  const auto now = peaks(plain.tensor("fc"), 1);
  for (std::size_t c = 0; c < 4; ++c) {
    CHECK(now[c] / weight[c] == doctest::Approx(std::pow(activation[c], 0.3) / std::pow(weight[c], 0.7)).epsilon(1e-4));
  }
}

TEST_CASE("smooth-quant: a layer before takes the factors; others and outputs are left alone") {
  const auto chain = [](bool seen) {
    BalancedNet net(35);
    const model::Handle x = net.input({4, 6});
    const model::Handle h = net.node("Relu", {net.node("Gemm", {x, net.weight({6, 8}, 1), net.weight({8})}, {}, "a")});
    if (seen) net.output(h);
    net.output(net.node("Gemm", {h, net.weight({8, 3}), net.weight({3})}, {}, "b"));
    return net;
  };
  Invariance test(chain(false));
  test.run("smooth-quant");
  CHECK(test.change() < kSame);
  CHECK(test.runner.row("smoothed") == "1 layers without, 0 with a Mul");
  for (const auto &[seen, settings] :
       {std::pair(true, "{}"), std::pair(false, "{into_layers: false}"), std::pair(false, "{layers: [a]}")}) {
    Invariance left(chain(seen));
    left.run("smooth-quant", settings);
    CHECK(left.change() == 0);
    CHECK(left.runner.row("smoothed") == "0 layers without, 0 with a Mul");
  }
}

}  // namespace
}  // namespace halftone::test
