// What tests of fusions begin with: platforms that declare some, and a swish behind a convolution, also in a body.
#pragma once

#include <string>
#include <string_view>

#include "tests/unit/passes/small_platform.h"

namespace halftone::test {

inline constexpr std::string_view kSwish = "y = Mul(t, Sigmoid(t)) where t = Conv(x, w, b?)";
inline constexpr std::string_view kNormSwish =
    "y = Mul(t, Sigmoid(t)) where t = BatchNormalization(Conv(x, w, b?), g, beta, mean, var)";

// One entry of `fusions:`; `keys` are further ones: "dtypes: {w: {bits: 4}}".
inline std::string fusion(std::string_view name, std::string_view pattern, std::string_view keys = {}) {
  std::string text = "  - {name: ";
  text.append(name).append(", pattern: '").append(pattern).append("'");
  if (!keys.empty()) text.append(", ").append(keys);
  return text.append("}\n");
}

// `bias`: the platform's type of biases.
inline std::string platform_with(const std::string &fusions, std::string_view bias = "fp32") {
  const std::string rest = "fusions:\n" + fusions;
  return text_of({.operators = "  - {types: [Conv, Gemm], computing: true}\n"
                               "  - types: [Relu, Sigmoid, Mul, Add, Tanh]\n"
                               "  - {types: [Split], passive: true}",
                  .bias = bias,
                  .rest = rest});
}

// Adds conv -> sigmoid, mul to the graph that `g` is at; reads `x`, makes `y`. With `norm` a normalization is between.
inline void add_swish(model::test::GraphMaker &g, model::Handle x, const std::string &y, bool norm = false) {
  const auto vector = [](float a, float b) { return model::Tensor::from_floats({2}, std::vector<float>{a, b}); };
  const model::Handle w =
      g.constant("w", model::Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1.27F, -0.5F, 0.25F, 2.54F}));
  const model::Handle b = g.constant("b", vector(0.5F, -1));
  const model::Handle convolved = g.at(norm ? "c" : "t");
  g.model.add_node(g.graph, "Conv", "", "conv", std::vector{x, w, b}, {&convolved, 1});
  if (norm) {
    for (const char *name : {"gamma", "beta", "mean", "var"}) g.constant(name, vector(1, 1.5F));
    g.node("BatchNormalization", {"c", "gamma", "beta", "mean", "var"}, {"t"}, "norm");
  }
  g.node("Sigmoid", {"t"}, {"s"}, "sigmoid");
  g.node("Mul", {"t", "s"}, {y}, "mul");
}

inline model::test::GraphMaker swish_net(bool norm = false) {
  model::test::GraphMaker g;
  add_swish(g, g.input("x", {1, 2, 4, 4}), "y", norm);
  g.output("y");
  return g;
}

// An If whose branches are a swish of `x`, which they take from outside, and `x` behind a Relu.
inline model::test::GraphMaker swish_in_branch(bool norm = false) {
  model::test::GraphMaker g;
  const model::Handle x = g.input("x", {1, 2, 4, 4});
  g.constant("condition", model::Tensor(HT_BOOL, {}));
  const model::Handle branch = g.node("If", {"condition"}, {"z"}, "if");
  g.output("z");
  const model::Handle main = g.graph;
  for (const char *name : {"then_branch", "else_branch"}) {
    g.graph = g.model.add_graph(name, branch);
    if (std::string_view(name) == "then_branch") {
      add_swish(g, x, "y", norm);
    } else {
      const model::Handle y = g.at("y");
      g.model.add_node(g.graph, "Relu", "", "relu", {&x, 1}, {&y, 1});
    }
    g.output("y");
    g.model.set_attribute(branch, name, model::Attribute{g.graph});
  }
  g.graph = main;
  return g;
}

}  // namespace halftone::test
