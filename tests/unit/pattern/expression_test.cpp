// Expressions that are to stand in the place of a pattern, and the nodes that come of them.
#include "core/pattern/expression.h"

#include <doctest/doctest.h>

#include <string>

#include "core/base/error.h"
#include "core/pattern/matcher.h"
#include "core/pattern/replacement.h"
#include "tests/unit/model/graph_maker.h"

namespace halftone::pattern {
namespace {

using model::Handle;
using model::Tensor;
using model::test::GraphMaker;

constexpr std::string_view kNorm = "y = Relu(BatchNormalization(Conv(x, w, b?), g, beta, mean, var))";

// The message without the quotation of the expression.
std::string message(std::string_view text, std::string_view pattern = kNorm) {
  try {
    (void)parse_expression(text, parse(pattern));
  } catch (const Error &error) {
    CHECK(error.status() == Status::kInvalidArgument);
    const std::string what = error.message();
    const std::size_t at = what.find("' at ");
    return at != std::string::npos ? what.substr(at + 5) : what;
  }
  return "no error";
}

TEST_CASE("an expression reads what the pattern reads once normalizations are folded") {
  CHECK(carried_names(parse(kNorm)) == std::vector<std::string>{"x", "w", "b"});
  CHECK(message("y = com.acme.ConvRelu(x, w, b)") == "no error");
  CHECK(message("Relu(Conv(x, w, b))") == "no error");
  CHECK(message("y = Relu(c) where c = Conv(x, w, b)") == "no error");
  CHECK(message("y = com.acme.Fused(x, w, b, g)") ==
        "1:29: 'g' is gone: BatchNormalization is folded into the operator before it");
  CHECK(message("y = com.acme.Fused(x, w)") ==
        "1:1: the input 'b' of the pattern would be lost; the expression has to read it");
  CHECK(message("y = com.acme.Fused(x, weight, b)") == "1:23: the pattern has no name 'weight'; it reads x, w, b");
  CHECK(message("z = com.acme.Fused(x, w, b)") == "1:1: the output is 'z'; the pattern calls it 'y'");
  CHECK(message("y = com.acme.Fused(x, w, t)", "y = Relu(t) where t = Conv(x, w)") ==
        "1:26: 't' lies inside of the pattern; from outside it reads x, w");
  // A normalization that follows nothing stays, with its parameters.
  CHECK(carried_names(parse("Relu(BatchNormalization(x, g, b, m, v))")) ==
        std::vector<std::string>{"x", "g", "b", "m", "v"});
}

TEST_CASE("what only a search can mean cannot stand in an expression, and no input may lack a name") {
  CHECK(message("y = {Relu|Clip}(Conv(x, w, b))") ==
        "1:1: each operator of an expression is one type, not several or any");
  CHECK(message("y = Relu(Conv(x, w, b?))") ==
        "1:21: an input that is absent leaves its slot empty; write it without '?'");
  CHECK(message("y = Relu(Conv(x, w, _))") == "1:21: an expression names each input; _ cannot stand in it");
  CHECK(message("y = Relu(Conv(x, *))") == "1:1: an expression names each input; * and ... cannot stand in it");
  CHECK(message("y = Conv[group!=1](x, w, b)") == "1:1: 'group!=' has no meaning in an expression; write =");
  CHECK(message("y = com.acme.F[Gemm.*](x, w, b)") == "1:16: the pattern has no Gemm whose attributes could be taken");
  CHECK(
      message("y = Relu(x)", "y = Relu(Conv(x, *))") ==
      "1:1: the inputs of Conv in the pattern 'y = Relu(Conv(x, *))' have no names, so that they would be lost; write "
      "names instead of _, * and ...");
  CHECK(message("y = Conv(x, w)", "y = BatchNormalization(Conv(x, w), g, b, m, v)") ==
        "1:1: folding BatchNormalization gives Conv a bias that the pattern has no name for; write Conv(x, w, b?) "
        "there");
  // Only an expression takes attributes of others.
  CHECK_THROWS_AS((void)parse("y = Conv[Conv.*](x, w)"), Error);
}

// conv -> relu6 written as Min and Max
GraphMaker limited() {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("w", Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1, 2, 3, 4}));
  const Handle conv = g.node("Conv", {"x", "w"}, {"c"}, "conv");
  g.model.set_attribute(conv, "strides", {std::vector<std::int64_t>{2, 2}});
  g.constant("zero", Tensor::from_floats({}, std::vector<float>{0}));
  g.constant("six", Tensor::from_floats({}, std::vector<float>{6}));
  g.node("Max", {"c", "zero"}, {"m"}, "max");
  g.node("Min", {"m", "six"}, {"y"}, "min");
  g.output("y");
  return g;
}

TEST_CASE("new nodes have the attributes of the old ones and what the text says besides") {
  GraphMaker g = limited();
  model::Model &m = g.model;
  const Pattern pattern = parse("y = Min(Max(Conv(x, w, b?), 0), 6)");
  const std::vector<Match> matches = find(m, std::span(&pattern, 1));
  REQUIRE(matches.size() == 1);
  const Handle main = m.main_graph(), y = m.find_value(main, "y");
  const NamedValues values = {{"x", m.find_value(main, "x")}, {"w", m.find_value(main, "w")}, {"b", HT_NONE}};
  SUBCASE("operators of ONNX, with a number") {
    const Pattern form = parse_expression("y = Clip(Conv[group=1](x, w, b), 0, 6)", pattern);
    const std::vector<Handle> made = replace(m, form, matches[0].nodes, values, y);
    REQUIRE(made.size() == 2);
    const model::Node &clip = m.node(made[0]), &conv = m.node(made[1]);
    CHECK(clip.name == "min");
    CHECK(clip.outputs.at(0) == y);
    CHECK(m.value(clip.inputs.at(2)).initializer->floats()[0] == 6);
    CHECK(conv.name == "conv");
    CHECK(conv.inputs.size() == 2);
    CHECK(std::get<std::vector<std::int64_t>>(conv.attributes.at("strides").data) == std::vector<std::int64_t>{2, 2});
    CHECK(std::get<std::int64_t>(conv.attributes.at("group").data) == 1);
    CHECK(m.graph(main).nodes.size() == 2);
    CHECK(m.find_value(main, "m") == HT_NONE);
  }
  SUBCASE("an operator of another domain") {
    const Pattern form =
        parse_expression("com.acme.Limited[Conv.*, step=Conv.strides, to=6.0, steps=3, kind='hard'](x, w, b)", pattern);
    const std::vector<Handle> made = replace(m, form, matches[0].nodes, values, y);
    const model::Node &node = m.node(made.at(0));
    CHECK(node.domain == "com.acme");
    CHECK(m.opset("com.acme") == 1);
    CHECK(std::get<std::vector<std::int64_t>>(node.attributes.at("strides").data).size() == 2);
    CHECK(std::get<std::vector<std::int64_t>>(node.attributes.at("step").data).size() == 2);
    CHECK(std::get<float>(node.attributes.at("to").data) == 6.0F);
    CHECK(std::get<std::int64_t>(node.attributes.at("steps").data) == 3);
    CHECK(std::get<std::string>(node.attributes.at("kind").data) == "hard");
  }
  SUBCASE("an operator that the model's opset lacks") {
    const Pattern form = parse_expression("y = Gelu(Conv(x, w, b))", parse("y = Min(Max(Conv(x, w, b?), 0), 6)"));
    CHECK_THROWS_AS(replace(m, form, matches[0].nodes, values, y), Error);
    CHECK(m.graph(main).nodes.size() == 3);
  }
}

}  // namespace
}  // namespace halftone::pattern
