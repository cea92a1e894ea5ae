// Equalization of layers whose normalization was folded: what the normalization was stays known.
#include <doctest/doctest.h>

#include <cmath>

#include "halftone/folded_norm.hpp"
#include "tests/unit/passes/pass_runner.h"
#include "tests/unit/passes/sdk_bench.h"

namespace halftone::test {
namespace {

using model::Tensor;
using Floats = std::vector<float>;

// Values that lie far apart, so that there is something to equalize.
Floats spread_values(std::size_t count, std::size_t seed) {
  Floats values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = std::ldexp(0.4F + 0.1F * static_cast<float>((i * 7 + seed) % 5), static_cast<int>((i / 3 + seed) % 4));
  }
  return values;
}

const Floats kBeta = {0.3F, -0.1F, 0.7F, 1}, kMean = {1, -2, 0.5F, 4}, kVariance = {0.1F, 2, 1, 5};

void add_norm(GraphMaker &g, const std::string &name, const Floats &gamma) {
  g.constant(name + "_gamma", Tensor::from_floats({4}, gamma));
  g.constant(name + "_beta", Tensor::from_floats({4}, kBeta));
  g.constant(name + "_mean", Tensor::from_floats({4}, kMean));
  g.constant(name + "_variance", Tensor::from_floats({4}, kVariance));
  g.node("BatchNormalization", {name + "_conv", name + "_gamma", name + "_beta", name + "_mean", name + "_variance"},
         {name + "_norm"}, name + "_bn");
}

// Three convolutions, each of four channels; the first two have normalizations, and Relu between them.
PassRunner equalized(const std::string &pass, const Floats &second_gamma) {
  GraphMaker g;
  g.input("x", {1, 4, 5, 5});
  std::string from = "x";
  for (const auto &[name, seed] : {std::pair<std::string, std::size_t>{"a", 1}, {"b", 2}, {"c", 0}}) {
    g.constant(name + "_w", Tensor::from_floats({4, 4, 1, 1}, spread_values(16, seed)));
    g.constant(name + "_b", Tensor::from_floats({4}, Floats{1, 2, 3, 4}));
    g.node("Conv", {from, name + "_w", name + "_b"}, {name == "c" ? "y" : name + "_conv"}, name);
    if (name == "c") break;
    add_norm(g, name, name == "a" ? Floats{1.5F, 0.25F, -3, 8} : second_gamma);
    g.node("Relu", {name + "_norm"}, {name + "_relu"}, name + "_act");
    from = name + "_relu";
  }
  g.output("y");
  PassRunner runner(std::move(g.model));
  runner.run("fold-batch-norm");
  runner.run(pass.c_str(), "{value_threshold: 0}");
  return runner;
}

Bench bench_of(PassRunner &runner) {
  GraphMaker after;
  after.model = std::move(runner.working.model);
  after.graph = after.model.main_graph();
  return Bench(std::move(after));
}

// Weights before they were folded, as training takes them up.
Floats unfolded(const Bench &b, const char *layer, const sdk::FoldedNorm &norm) {
  if (!norm.weight.empty()) return norm.weight;
  Floats weight = sdk::elements_of<float>(*b.graph.initializer(b.graph.node(b.node(layer)).input(1)));
  for (std::size_t i = 0; i < weight.size(); ++i) {
    weight[i] = static_cast<float>(double{weight[i]} / sdk::fold_factor(norm, i / 4));
  }
  return weight;
}

void check_notes(const Floats &second_gamma) {
  PassRunner runner = equalized("layerwise-equalization", second_gamma);
  Bench b = bench_of(runner);
  const auto first = sdk::noted_fold(b.graph, b.node("a")), second = sdk::noted_fold(b.graph, b.node("b"));
  REQUIRE(first);
  REQUIRE(second);
  const Floats gamma = {1.5F, 0.25F, -3, 8}, a = unfolded(b, "a", *first), c = unfolded(b, "b", *second);
  const Floats a_before = spread_values(16, 1), b_before = spread_values(16, 2);
  bool moved = false;
  for (std::size_t i = 0; i < 4; ++i) {
    const double factor = double{first->gamma[i]} / gamma[i];
    moved = moved || std::fabs(factor - 1) > 0.2;
    CHECK(first->beta[i] == doctest::Approx(kBeta[i] * factor).epsilon(1e-6));
    CHECK(second->beta[i] * second_gamma[i] == doctest::Approx(kBeta[i] * second->gamma[i]).epsilon(1e-6));
    // What is normalized is the same: the first layer's weight, and the second's behind inputs that grew.
    for (std::size_t k = 0; k < 4; ++k) {
      CHECK(a[i * 4 + k] == doctest::Approx(a_before[i * 4 + k]).epsilon(1e-5));
      CHECK(c[k * 4 + i] * factor == doctest::Approx(b_before[k * 4 + i]).epsilon(1e-5));
    }
  }
  CHECK(moved);
  for (const auto &norm : {*first, *second}) {
    CHECK(norm.mean == kMean);
    CHECK(norm.variance == kVariance);
  }
}

TEST_CASE("equalization keeps what is known of folded normalizations") {
  check_notes({2, 0.5F, 1, -0.125F});
}

TEST_CASE("equalization keeps weights that folding lost") {
  check_notes({2, 0, 1, -0.125F});
}

}  // namespace
}  // namespace halftone::test
