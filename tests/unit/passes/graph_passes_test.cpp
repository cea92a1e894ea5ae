#include <doctest/doctest.h>

#include <cmath>

#include "tests/unit/model/graph_maker.h"
#include "tests/unit/passes/pass_runner.h"

namespace halftone::test {
namespace {

using model::Tensor;
using model::test::GraphMaker;
using model::test::ops_in_order;

Tensor numbers(model::Shape shape, float start = 0.5F, float step = 0.25F) {
  std::vector<float> values(static_cast<std::size_t>(model::element_count(shape)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = start + step * static_cast<float>(i % 11);
  return Tensor::from_floats(std::move(shape), values);
}

void set_int(model::Model &m, model::Handle node, const char *name, std::int64_t value) {
  m.set_attribute(node, name, model::Attribute{value});
}

// Layer -> BatchNormalization of `channels`; returns the maker with x and y in place.
GraphMaker with_norm(const char *op, Tensor weight, std::int64_t channels, bool bias) {
  GraphMaker g;
  g.input("x", {1, weight.shape()[0], 4, 4});
  g.constant("w", std::move(weight));
  if (bias) g.constant("b", numbers({channels}, -1));
  g.constant("gamma", numbers({channels}, 0.7F));
  g.constant("beta", numbers({channels}, -0.3F));
  g.constant("mean", numbers({channels}, 0.1F));
  g.constant("var", numbers({channels}, 1.1F));
  std::vector<std::string> inputs = {"x", "w"};
  if (bias) inputs.push_back("b");
  g.node(op, inputs, {"t"}, "layer");
  g.node("BatchNormalization", {"t", "gamma", "beta", "mean", "var"}, {"y"}, "norm");
  g.output("y");
  return g;
}

struct Norm {
  double factor, offset;
};
Norm norm_of(std::size_t c) {
  const auto at = [&](float start) { return static_cast<double>(start + 0.25F * static_cast<float>(c % 11)); };
  const double factor = at(0.7F) / std::sqrt(at(1.1F) + 1e-5);
  return {factor, at(-0.3F) - at(0.1F) * factor};
}

TEST_CASE("fold-batch-norm: Conv with and without bias") {
  for (const bool bias : {false, true}) {
    const Tensor weight = numbers({3, 3, 2, 2});
    PassRunner r(with_norm("Conv", weight, 3, bias).model);
    r.run("fold-batch-norm");
    CHECK(ops_in_order(r.working.model) == "Conv");
    const model::Model &m = r.working.model;
    const model::Node &conv = m.node(r.node("layer"));
    REQUIRE(conv.inputs.size() == 3);
    CHECK(m.value(conv.outputs[0]).name == "y");
    const auto w = m.value(conv.inputs[1]).initializer->to_floats(),
               b = m.value(conv.inputs[2]).initializer->to_floats();
    for (std::size_t i = 0; i < w.size(); ++i) {
      CHECK(w[i] == doctest::Approx(static_cast<double>(weight.floats()[i]) * norm_of(i / 12).factor));
    }
    for (std::size_t c = 0; c < 3; ++c) {
      const double before = bias ? -1 + 0.25 * static_cast<double>(c) : 0;
      CHECK(b[c] == doctest::Approx(before * norm_of(c).factor + norm_of(c).offset));
    }
  }
}

TEST_CASE("fold-batch-norm: channels of a grouped ConvTranspose") {
  const Tensor weight = numbers({4, 3, 2, 2});  // two groups of two inputs and three outputs
  GraphMaker g = with_norm("ConvTranspose", weight, 6, true);
  set_int(g.model, g.model.find_node(g.graph, "layer"), "group", 2);
  PassRunner r(std::move(g.model));
  r.run("fold-batch-norm");
  CHECK(ops_in_order(r.working.model) == "ConvTranspose");
  const auto w = r.initializer("w").to_floats();
  for (std::size_t i = 0; i < w.size(); ++i) {
    const std::size_t channel = i / 24 * 3 + i / 4 % 3;
    CHECK(w[i] == doctest::Approx(static_cast<double>(weight.floats()[i]) * norm_of(channel).factor));
  }
}

TEST_CASE("fold-batch-norm: Gemm in both layouts, with beta") {
  for (const std::int64_t transposed : {0, 1}) {
    const Tensor weight = transposed != 0 ? numbers({5, 4}) : numbers({4, 5});
    GraphMaker g = with_norm("Gemm", weight, 5, true);
    const model::Handle layer = g.model.find_node(g.graph, "layer");
    set_int(g.model, layer, "transB", transposed);
    g.model.set_attribute(layer, "beta", model::Attribute{0.5F});
    g.model.set_attribute(layer, "alpha", model::Attribute{1.5F});
    PassRunner r(std::move(g.model));
    r.run("fold-batch-norm");
    CHECK(ops_in_order(r.working.model) == "Gemm");
    CHECK(model::test::attribute<float>(r.working.model, layer, "alpha") == 1.5F);
    const auto w = r.initializer("w").to_floats(), b = r.initializer("b").to_floats();
    for (std::size_t i = 0; i < w.size(); ++i) {
      const std::size_t channel = transposed != 0 ? i / 4 : i % 5;
      CHECK(w[i] == doctest::Approx(static_cast<double>(weight.floats()[i]) * norm_of(channel).factor));
    }
    for (std::size_t c = 0; c < 5; ++c) {
      const double before = -1 + 0.25 * static_cast<double>(c);
      CHECK(0.5 * static_cast<double>(b[c]) == doctest::Approx(0.5 * before * norm_of(c).factor + norm_of(c).offset));
    }
  }
}

TEST_CASE("fold-batch-norm: a weight that two layers share is copied, a second reader forbids it") {
  GraphMaker shared = with_norm("Conv", numbers({3, 3, 1, 1}), 3, false);
  shared.node("Conv", {"x", "w"}, {"z"}, "other");
  shared.output("z");
  PassRunner r(std::move(shared.model));
  r.run("fold-batch-norm");
  CHECK(r.initializer("w").floats()[0] == 0.5F);
  CHECK(r.working.model.node(r.node("layer")).inputs[1] != r.working.model.node(r.node("other")).inputs[1]);

  GraphMaker read_twice = with_norm("Conv", numbers({3, 3, 1, 1}), 3, false);
  read_twice.node("Relu", {"t"}, {"z"}, "relu");
  read_twice.output("z");
  read_twice.model.set_type(read_twice.at("t"), model::test::float_type({1, 3, 4, 4}));
  PassRunner kept(read_twice.model);
  kept.run("fold-batch-norm", "{standalone: false}");
  CHECK(kept.row("folded") == "0 BatchNormalization nodes");
  PassRunner converted(read_twice.model);
  converted.run("fold-batch-norm");
  const model::Node &conv = converted.working.model.node(converted.node("norm"));
  CHECK(conv.op_type == "Conv");
  CHECK(converted.working.model.value(conv.inputs[1]).initializer->shape() == model::Shape{3, 1, 1, 1});
}

TEST_CASE("fuse-bias-add") {
  GraphMaker g;
  g.input("x", {1, 3, 4, 4});
  g.constant("w", numbers({2, 3, 1, 1}));
  g.constant("b", numbers({2}, 1, 1));
  g.constant("c", numbers({2, 1, 1}, 10, 10));
  g.constant("plane", numbers({4, 4}));
  g.node("Conv", {"x", "w", "b"}, {"t"}, "conv");
  g.node("Add", {"c", "t"}, {"u"}, "add");
  g.node("Conv", {"x", "w"}, {"v"}, "conv2");
  g.node("Add", {"v", "plane"}, {"z"}, "not_per_channel");
  g.output("u");
  g.output("z");
  PassRunner r(std::move(g.model));
  r.run("fuse-bias-add");
  CHECK(r.row("fused") == "1 Add nodes into biases");
  CHECK(r.initializer("b").to_floats() == std::vector<float>{11, 22});
  CHECK(r.node("not_per_channel") != HT_NONE);
}

TEST_CASE("remove-identity keeps names of outputs and what joins input and output") {
  GraphMaker g;
  g.input("x", {2});
  g.node("Relu", {"x"}, {"a"}, "relu");
  g.node("Identity", {"a"}, {"b"}, "i1");
  g.node("Dropout", {"b"}, {"y"}, "drop");
  g.node("Identity", {"x"}, {"z"}, "i2");
  g.output("y");
  g.output("z");
  PassRunner r(std::move(g.model));
  r.run("remove-identity");
  const model::Model &m = r.working.model;
  CHECK(m.graph(m.main_graph()).nodes.size() == 2);
  CHECK(m.value(m.node(r.node("relu")).outputs[0]).name == "y");
  CHECK(m.node(r.node("i2")).op_type == "Identity");
}

TEST_CASE("remove-dead-code") {
  GraphMaker g;
  g.input("x", {2});
  g.constant("unused", numbers({3}));
  g.node("Relu", {"x"}, {"y"}, "relu");
  g.node("Neg", {"x"}, {"d1"}, "dead1");
  g.node("Abs", {"d1"}, {"d2"}, "dead2");
  g.output("y");
  PassRunner r(std::move(g.model));
  r.run("remove-dead-code");
  CHECK(ops_in_order(r.working.model) == "Relu");
  CHECK(r.working.model.graph(r.working.model.main_graph()).values.size() == 2);
}

// Conv with a weight and Add with a constant that older files list as inputs, a constant that nobody reads, an input
// that nobody reads.
GraphMaker with_listed_constants() {
  GraphMaker g;
  g.input("w", {2, 3, 1, 1});
  g.input("x", {1, 3, 4, 4});
  g.input("unused", {3});
  g.input("c", {2, 1, 1});
  g.input("idle", {2});
  g.model.set_initializer(g.at("w"), numbers({2, 3, 1, 1}));
  g.model.set_initializer(g.at("c"), numbers({2, 1, 1}, 1));
  g.model.set_initializer(g.at("unused"), numbers({3}));
  g.node("Conv", {"x", "w"}, {"t"}, "conv");
  g.node("Add", {"t", "c"}, {"y"}, "add");
  g.output("y");
  return g;
}

std::vector<std::string> input_names(const model::Model &m) {
  std::vector<std::string> names;
  for (const model::Handle input : m.graph(m.main_graph()).inputs) names.push_back(m.value(input).name);
  return names;
}

TEST_CASE("remove-dead-code: inputs of the model are those that have to be fed") {
  PassRunner r(with_listed_constants().model);
  r.run("remove-dead-code");
  CHECK(input_names(r.working.model) == std::vector<std::string>{"x", "idle"});
  CHECK(r.row("unlisted") == "3 constants that were listed as inputs");
  CHECK(r.row("removed") == "0 nodes, 1 values");
  CHECK(r.initializer("w").to_floats() == numbers({2, 3, 1, 1}).to_floats());
  CHECK(ops_in_order(r.working.model) == "Conv Add");

  PassRunner kept(with_listed_constants().model);
  kept.run("remove-dead-code", "{stored_inputs: keep}");
  CHECK(input_names(kept.working.model) == std::vector<std::string>{"w", "x", "unused", "c", "idle"});
  CHECK(kept.row("unlisted").empty());
}

TEST_CASE("remove-dead-code: what passes fold away is no longer listed") {
  PassRunner r(with_listed_constants().model);
  r.run("fuse-bias-add");
  r.run("remove-dead-code");
  CHECK(ops_in_order(r.working.model) == "Conv");
  CHECK(input_names(r.working.model) == std::vector<std::string>{"x", "idle"});
}

TEST_CASE("fold-batch-norm: a weight that callers may replace stays as it is, and is gone with the list") {
  GraphMaker g = with_norm("Conv", numbers({3, 3, 1, 1}), 3, false);
  g.model.mark_input(g.at("w"));
  PassRunner r(std::move(g.model));
  r.run("fold-batch-norm");
  CHECK(r.initializer("w").to_floats() == numbers({3, 3, 1, 1}).to_floats());
  const model::Model &m = r.working.model;
  CHECK(m.value(m.node(r.node("layer")).inputs[1]).name == "layer_weight");
  r.run("remove-dead-code");
  CHECK(m.find_value(m.main_graph(), "w") == HT_NONE);
  CHECK(input_names(m) == std::vector<std::string>{"x"});
}

TEST_CASE("constant-folding: constants, computed shapes, and what stays") {
  GraphMaker g;
  g.input("x", {-1, 4});
  g.input("fixed", {3, 4});
  const model::Handle k = g.node("Constant", {}, {"k"}, "constant");
  g.model.set_attribute(k, "value", model::Attribute{Tensor::from_floats({2}, std::vector<float>{1, 2})});
  g.node("Add", {"k", "k"}, {"kk"}, "add");
  g.node("Shape", {"x"}, {"s"}, "dynamic_shape");
  g.node("Shape", {"fixed"}, {"f"}, "fixed_shape");
  g.node("Mul", {"kk", "k"}, {"m"}, "mul");
  g.node("Add", {"x2", "m"}, {"y"}, "reader");
  g.input("x2", {2});
  g.node("Reshape", {"fixed", "f"}, {"r"}, "reshape");
  for (const char *out : {"y", "s", "r"}) g.output(out);
  PassRunner r(std::move(g.model));
  r.run("constant-folding");
  CHECK(r.initializer("m").to_floats() == std::vector<float>{2, 8});
  CHECK(r.initializer("f").to_ints() == std::vector<std::int64_t>{3, 4});
  CHECK(r.node("dynamic_shape") != HT_NONE);
  CHECK(ops_in_order(r.working.model) == "Shape Add Reshape");
}

}  // namespace
}  // namespace halftone::test
