// Bias correction from batch normalization alone, against numeric integration of the distributions it stands for.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <random>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/passes/small_platform.h"

namespace halftone::test {
namespace {

using model::Tensor;
using model::test::GraphMaker;

const std::string kMeansPlatform = text_of({.operators = "  - {types: [Conv, Gemm], computing: true, outputs: fp32}",
                                            .bias = "fp32",
                                            .rest = "dispatcher: allin",
                                            .bits_of_weights = "3"});

// E[f(X)] of a normal X, by the midpoint rule.
double expected(double mean, double deviation, const std::function<double(double)> &f) {
  constexpr int kSteps = 20000;
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double z = -8 + 16 * (i + 0.5) / kSteps;
    sum += f(mean + deviation * z) * std::exp(-z * z / 2) * 16 / kSteps / std::sqrt(2 * std::numbers::pi);
  }
  return sum;
}

constexpr std::size_t kChannels = 4;

struct Branch {
  std::vector<float> gamma, beta;
};

// Conv and BatchNormalization.
Branch add_branch(GraphMaker &g, const std::string &name, const std::string &from, unsigned seed) {
  g.constant(name + "_w", Tensor::from_floats({4, 2, 1, 1}, normal(8, seed)));
  g.node("Conv", {from, name + "_w"}, {name + "_c"}, name);
  Branch branch{normal(kChannels, seed + 1), normal(kChannels, seed + 2)};
  g.constant(name + "_s", Tensor::from_floats({4}, branch.gamma));
  g.constant(name + "_o", Tensor::from_floats({4}, branch.beta));
  g.constant(name + "_m", Tensor::from_floats({4}, normal(kChannels, seed + 3)));
  g.constant(name + "_v", Tensor::from_floats({4}, std::vector<float>(kChannels, 2.0F)));
  g.node("BatchNormalization", {name + "_c", name + "_s", name + "_o", name + "_m", name + "_v"}, {name}, name + "_bn");
  return branch;
}

void add_last(GraphMaker &g, const std::string &from, std::size_t channels) {
  g.constant("w", Tensor::from_floats({3, static_cast<std::int64_t>(channels), 1, 1}, normal(3 * channels, 77)));
  g.node("Conv", {from, "w"}, {"y"}, "last");
  g.output("y");
}

// The last layer's bias after the correction beside what these means of its input demand.
void check_bias(PassRunner &r, const std::vector<double> &means) {
  const std::vector<float> w = stored(r, "last", 1), bias = stored(r, "last", 2);
  const auto scales = r.working.configs.scales(r.input("last", 1));
  REQUIRE(bias.size() == 3);
  for (std::size_t o = 0; o < 3; ++o) {
    double demanded = 0;
    for (std::size_t c = 0; c < means.size(); ++c) {
      const float weight = w[o * means.size() + c];
      const float code = std::clamp(std::nearbyint(weight / scales[o]), -4.0F, 3.0F);
      demanded -= (static_cast<double>(code * scales[o]) - static_cast<double>(weight)) * means[c];
    }
    CHECK(static_cast<double>(bias[o]) == doctest::Approx(demanded).epsilon(1e-4));
  }
}

void prepare(PassRunner &r, std::initializer_list<const char *> passes = {}) {
  r.run("fold-batch-norm");
  for (const char *pass : passes) r.run(pass);
  r.run("assign-configs");
  r.run("parameter-quantize");
}

TEST_CASE("means behind an activation are those of a clipped normal distribution") {
  struct Case {
    const char *op;
    std::function<double(double)> f;
  };
  for (const Case &one : {Case{"Relu", [](double x) { return std::max(x, 0.0); }},
                          Case{"Clip", [](double x) { return std::clamp(x, -0.5, 1.0); }},
                          Case{"LeakyRelu", [](double x) { return x > 0 ? x : 0.2 * x; }}}) {
    INFO(std::string(one.op));
    GraphMaker g;
    g.input("x", {1, 2, 6, 6});
    const Branch branch = add_branch(g, "a", "x", 5);
    std::vector<std::string> inputs = {"a"};
    if (std::string(one.op) == "Clip") {
      g.constant("low", Tensor::from_floats({}, std::vector{-0.5F}));
      g.constant("high", Tensor::from_floats({}, std::vector{1.0F}));
      inputs = {"a", "low", "high"};
    }
    const model::Handle act = g.node(one.op, inputs, {"b"}, "act");
    if (std::string(one.op) == "LeakyRelu") g.model.set_attribute(act, "alpha", {0.2F});
    add_last(g, "b", kChannels);
    PassRunner r(std::move(g.model), kMeansPlatform);
    prepare(r);
    r.run("bias-correction", "{mode: batch-norm}");
    std::vector<double> means;
    for (std::size_t c = 0; c < kChannels; ++c) {
      means.push_back(
          expected(static_cast<double>(branch.beta[c]), std::abs(static_cast<double>(branch.gamma[c])), one.f));
    }
    check_bias(r, means);
    CHECK(r.row("corrected") == "1 layers");
    CHECK(r.row("not known") == "the means of 1 layers' inputs");  // the layer that reads the model's input
  }
}

TEST_CASE("sums are of independent inputs, Concat joins, pooling keeps means") {
  GraphMaker g;
  g.input("x", {1, 2, 6, 6});
  const Branch a = add_branch(g, "a", "x", 5), b = add_branch(g, "b", "x", 15), c = add_branch(g, "c", "x", 25);
  g.node("Relu", {"a"}, {"ra"}, "relu_a");
  g.node("Add", {"ra", "b"}, {"s"}, "add");
  g.node("Relu", {"s"}, {"rs"}, "relu_s");
  g.node("Relu", {"c"}, {"rc"}, "relu_c");
  g.model.set_attribute(g.node("Concat", {"rs", "rc"}, {"j"}, "concat"), "axis", {std::int64_t{1}});
  const auto integers = [&](const char *name, const std::vector<std::int64_t> &values) {
    g.constant(name, Tensor::from_ints({static_cast<std::int64_t>(values.size())}, values));
  };
  integers("start", {0}), integers("end", {4}), integers("axis", {3}), integers("pads", {0, 1, 0, 0, 0, 2, 0, 0});
  g.node("Slice", {"j", "start", "end", "axis"}, {"t"}, "slice");
  g.node("Pad", {"t", "pads"}, {"d"}, "pad");
  g.node("GlobalAveragePool", {"d"}, {"p"}, "pool");
  add_last(g, "p", 2 * kChannels + 3);
  PassRunner r(std::move(g.model), kMeansPlatform);
  prepare(r);
  r.run("bias-correction", "{mode: batch-norm}");
  const auto relu = [](double x) { return std::max(x, 0.0); };
  std::vector<double> means = {0};
  for (std::size_t i = 0; i < kChannels; ++i) {
    const double mean = static_cast<double>(a.beta[i]), deviation = std::abs(static_cast<double>(a.gamma[i]));
    const double first = expected(mean, deviation, relu);
    const double square = expected(mean, deviation, [&](double x) { return relu(x) * relu(x); }) - first * first;
    const double spread = std::sqrt(square + static_cast<double>(b.gamma[i]) * static_cast<double>(b.gamma[i]));
    means.push_back(expected(first + static_cast<double>(b.beta[i]), spread, relu));
  }
  for (std::size_t i = 0; i < kChannels; ++i)
    means.push_back(expected(static_cast<double>(c.beta[i]), std::abs(static_cast<double>(c.gamma[i])), relu));
  means.insert(means.end(), {0, 0});
  check_bias(r, means);
}

TEST_CASE("what is noted of channels is scaled with them, and a stranger ends it") {
  GraphMaker g;
  g.input("x", {1, 2, 6, 6});
  const Branch branch = add_branch(g, "a", "x", 5);
  g.node("Relu", {"a"}, {"b"}, "act");
  add_last(g, "b", kChannels);
  PassRunner r(g.model, kMeansPlatform);
  r.run("fold-batch-norm");
  const std::vector<float> before = stored(r, "a", 1);
  r.run("layerwise-equalization", "{value_threshold: 0}");
  const std::vector<float> after = stored(r, "a", 1);
  r.run("assign-configs");
  r.run("parameter-quantize");
  r.run("bias-correction", "{mode: batch-norm}");
  std::vector<double> means;
  for (std::size_t c = 0; c < kChannels; ++c) {
    const double factor = static_cast<double>(after[2 * c]) / static_cast<double>(before[2 * c]);
    CHECK(factor != 1);
    means.push_back(factor * expected(static_cast<double>(branch.beta[c]),
                                      std::abs(static_cast<double>(branch.gamma[c])),
                                      [](double x) { return std::max(x, 0.0); }));
  }
  check_bias(r, means);

  g.node("Sigmoid", {"b"}, {"s"}, "sigmoid");
  g.model.set_input(g.model.find_node(g.model.main_graph(), "last"), 0, g.at("s"));
  PassRunner other(g.model, kMeansPlatform);
  prepare(other);
  other.run("bias-correction", "{mode: batch-norm}");
  CHECK(other.row("corrected") == "0 layers");
  CHECK(other.row("not known") == "the means of 2 layers' inputs");
  CHECK_THROWS_WITH_AS(other.run("bias-correction", "{mode: analytic}"), doctest::Contains("not calibrated"), Error);
}

}  // namespace
}  // namespace halftone::test
