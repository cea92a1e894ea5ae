// Places of fusions: which are found, what is quantized there, what takes their place.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/pipeline/override_parts.h"
#include "tests/unit/passes/fusion_net.h"

namespace halftone::test {
namespace {

using model::test::GraphMaker;

PassRunner fused(GraphMaker g, const std::string &fusions, std::string_view bias = "fp32") {
  PassRunner r(std::move(g.model), platform_with(fusions, bias));
  r.run("fuse-operators");
  return r;
}

// A node of any graph.
model::Handle anywhere(const PassRunner &r, std::string_view name) {
  for (const model::Handle graph : r.working.model.graphs()) {
    const model::Handle found = r.working.model.find_node(graph, name);
    if (found != HT_NONE) return found;
  }
  return HT_NONE;
}

std::string state_of(const PassRunner &r, std::string_view node, bool is_output, std::uint32_t slot) {
  return r.state(r.working.configs.find({anywhere(r, node), is_output, slot}));
}

// The states of the slots of a swish: what it reads and makes, and what lies inside.
std::string around(const PassRunner &r) {
  return state_of(r, "conv", false, 0) + " " + state_of(r, "conv", false, 1) + " " + state_of(r, "mul", true, 0);
}
std::string inside(const PassRunner &r) {
  return state_of(r, "conv", true, 0) + " " + state_of(r, "sigmoid", false, 0) + " " + state_of(r, "sigmoid", true, 0) +
         " " + state_of(r, "mul", false, 0) + " " + state_of(r, "mul", false, 1);
}

TEST_CASE("a place is quantized around and not inside") {
  PassRunner r = fused(swish_net(), fusion("swish", kSwish));
  CHECK(r.row("fusion 'swish'") == "1 place");
  r.run("assign-configs");
  CHECK(around(r) == "initial initial initial");
  CHECK(inside(r) == "none none none none none");
  PassRunner plain(std::move(swish_net().model), platform_with(fusion("other", "y = Tanh(Conv(*))")));
  plain.run("fuse-operators");
  CHECK(plain.row("fusion 'other'") == "0 places; the model has no Tanh");
  plain.run("assign-configs");
  CHECK(inside(plain) == "initial initial initial initial initial");
}

TEST_CASE("a stage finds places, another puts fused forms into them") {
  PassRunner r(std::move(swish_net(true).model),
               platform_with(fusion("swish", kNormSwish, "fused: 'y = com.acme.Swish(x, w, b)'")));
  r.run("fuse-operators", "{stage: find}");
  CHECK(r.row("fusion 'swish'") == "1 place");
  CHECK(r.row("fusion 'swish' runs as") == "");
  CHECK(r.node("norm") != HT_NONE);
  r.run("fold-batch-norm");
  r.run("fuse-operators", "{stage: replace}");
  CHECK(r.row("fusion 'swish'") == "");
  CHECK(r.row("fusion 'swish' runs as") == "1 Swish");
  CHECK(model::test::ops_in_order(r.working.model) == "Swish");
  CHECK(r.working.model.node(r.node("mul")).domain == "com.acme");
  r.run("assign-configs");
  CHECK(r.state(r.input("mul", 0)) == "initial");
  const quant::Config weight = r.working.configs.get(r.input("mul", 1));
  CHECK(weight.spec.granularity == HT_PER_CHANNEL);
  CHECK(weight.spec.axis == 0);
}

TEST_CASE("nodes that were noted take part in no further place") {
  PassRunner r = fused(swish_net(), fusion("swish", kSwish) + fusion("gate", "z = Mul(t, Sigmoid(t))"));
  CHECK(r.row("fusion 'gate'") == "0 places");
  r.run("fuse-operators");
  CHECK(r.row("fusion 'swish'") == "0 places");
  CHECK(r.row("fusion 'gate'") == "0 places");
}

TEST_CASE("where `dtypes` refuses the longest pattern the next longest has the nodes") {
  const PassRunner r =
      fused(swish_net(), fusion("gate", "z = Mul(t, Sigmoid(t))") + fusion("swish", kSwish, "dtypes: {w: {bits: 4}}") +
                             fusion("convolution", "z = Conv(x, w, b?)"));
  CHECK(r.row("fusion 'swish'") == "1 place (1 not fused: w of Mul 'mul' has 8 bits, not 4)");
  CHECK(r.row("fusion 'gate'") == "1 place");
  CHECK(r.row("fusion 'convolution'") == "1 place");
}

TEST_CASE("where a fixed scale does not suit what a name stands for the next longest has the nodes") {
  const auto told = [](std::string_view keys) {
    const PassRunner r = fused(swish_net(), fusion("swish", kSwish, keys) + fusion("gate", "z = Mul(t, Sigmoid(t))"));
    return r.row("fusion 'swish'") + ", " + r.row("fusion 'gate'");
  };
  CHECK(told("points: {x: {fixed: {scale: 0.1}}}") == "1 place, 0 places");
  CHECK(
      told("points: {w: {fixed: {scale: 0.1}}}") ==
      "1 place (1 not fused: w of Mul 'mul': a fixed scale is one number, and type 'weight' has one for each channel), "
      "1 place");
  CHECK(told("points: {b: {fixed: {scale: 0.1}}}") ==
        "1 place (1 not fused: b of Mul 'mul': a fixed scale and float exclude each other), 1 place");
}

TEST_CASE(
    "where a refused pattern has too many ways to be laid over its nodes the report says that some were not tried") {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  std::string pattern;
  std::vector<std::string> read;
  for (int i = 0; i < 11; ++i) {
    read.push_back("v" + std::to_string(i));
    g.node("Relu", {"x"}, {read.back()}, "relu" + std::to_string(i));
    pattern += (i == 0 ? "Relu(x)" : ", Relu(x)");
  }
  g.node("Max", read, {"y"}, "max");
  g.output("y");
  const PassRunner r = fused(std::move(g), fusion("largest", "y = Max(" + pattern + ")", "dtypes: {x: {bits: 4}}"));
  CHECK(
      r.row("fusion 'largest'") ==
      "1 place (1 not fused: x of Max 'max' has 8 bits, not 4); not every way to lay the pattern before Max 'max' was "
      "tried: there are too many");
}

TEST_CASE("where several outputs refuse the longest pattern the next longest has the nodes") {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.node("Tanh", {"x"}, {"t"}, "tanh");
  g.node("Relu", {"t"}, {"r"}, "relu");
  g.node("Split", {"r"}, {"a", "b"}, "split");
  g.output("a");
  g.output("b");
  const PassRunner r =
      fused(std::move(g), fusion("halves", "y = Split(Relu(Tanh(x)))") + fusion("gate", "y = Relu(Tanh(x))"));
  CHECK(r.row("fusion 'halves'") == "1 place (1 not fused: Split 'split' has several outputs)");
  CHECK(r.row("fusion 'gate'") == "1 place");
}

TEST_CASE("where something outside reads a value inside the next longest has the nodes") {
  GraphMaker g = swish_net();
  g.node("Tanh", {"t"}, {"also"}, "tanh");
  g.output("also");
  const PassRunner r = fused(std::move(g), fusion("swish", kSwish) + fusion("gate", "z = Mul(t, Sigmoid(t))"));
  CHECK(r.row("fusion 'swish'") == "0 places");
  CHECK(r.row("fusion 'gate'") == "1 place");
}

TEST_CASE("a bias that is computed stays in float, and is judged so") {
  GraphMaker g = swish_net();
  g.input("offset", {2});
  g.model.set_input(g.model.find_node(g.graph, "conv"), 2, g.at("offset"));
  PassRunner r = fused(std::move(g), fusion("swish", kSwish, "dtypes: {b: {bits: 32}}"), kWideBias);
  CHECK(r.row("fusion 'swish'") == "1 place (1 not fused: b of Mul 'mul' is in float)");
  r.run("assign-configs");
  CHECK(r.state(r.input("conv", 2)) == "none");
}

TEST_CASE("a demand is judged by the type that the value has, a bias by that of biases") {
  const auto told = [](std::string_view keys, std::string_view bias) {
    return fused(swish_net(), fusion("swish", kSwish, keys), bias).row("fusion 'swish'");
  };
  CHECK(told("dtypes: {b: {bits: 32}, w: {bits: 8}, x: {bits: 8}}", kWideBias) == "1 place");
  CHECK(told("dtypes: {b: {bits: 8}}", kWideBias) == "1 place (1 not fused: b of Mul 'mul' has 32 bits, not 8)");
  CHECK(told("dtypes: {b: {bits: 32}}", "fp32") == "1 place (1 not fused: b of Mul 'mul' is in float)");
  CHECK(told("dtypes: {b: {bits: 8}}, points: {b: weight}", kWideBias) == "1 place");
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("half", model::Tensor::from_floats({1}, std::vector<float>{0.5F}));
  g.node("Mul", {"x", "half"}, {"h"}, "mul");
  g.node("Tanh", {"h"}, {"y"}, "tanh");
  g.output("y");
  const PassRunner r = fused(std::move(g), fusion("gate", "y = Tanh(Mul(x, c))", "dtypes: {c: {granularity: tensor}}"));
  CHECK(r.row("fusion 'gate'") == "1 place");  // data, though it is stored
}

std::string why_in_float(const PassRunner &r, std::string_view node) {
  const auto found = r.working.float_reasons.find(r.node(node));
  return found == r.working.float_reasons.end() ? "" : found->second;
}

TEST_CASE("a node that cannot be quantized leaves all of its place in float, with the reason at each") {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.node("Tanh", {"x"}, {"t"}, "tanh");
  g.model.set_attribute(g.node("Cast", {"t"}, {"c"}, "cast"), "to", {std::int64_t{10}});
  model::ValueType half = model::test::float_type({1, 2, 4, 4});
  half.dtype = HT_F16;
  g.model.set_type(g.at("c"), half);
  g.node("Relu", {"c"}, {"y"}, "relu");
  g.output("y");
  PassRunner r = fused(std::move(g), fusion("gate", "y = Relu(Cast(Tanh(x)))"));
  r.run("assign-configs");
  CHECK(r.state(r.input("tanh", 0)) == "none");
  const std::string own = "its input 'c' is float16, not float32; the pass unify-floats brings it there";
  CHECK(why_in_float(r, "relu") == own);
  for (const char *other : {"tanh", "cast"}) {
    CHECK(why_in_float(r, other) ==
          "the fusion 'gate' makes it one operator with Relu 'relu', which stays in float: " + own);
  }
}

TEST_CASE("a node of a place that computes a shape needs no quantized form") {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.input("z", {2, 16});
  g.node("Tanh", {"x"}, {"t"}, "tanh");
  g.node("Shape", {"z"}, {"s"}, "shape");
  g.node("Reshape", {"t", "s"}, {"y"}, "reshape");
  g.output("y");
  PassRunner r =
      fused(std::move(g), fusion("gate", "y = Reshape(Tanh(x), Shape(z))", "deployed: 'y = com.acme.As(x, z)'"));
  r.run("assign-configs");
  for (const char *node : {"tanh", "shape", "reshape"}) CHECK(why_in_float(r, node) == "");
  CHECK(r.state(r.input("tanh", 0)) == "initial");
  CHECK(r.state(r.input("shape", 0)) == "none");
  CHECK(r.state(r.output("reshape")) == "initial");
  r.run("deploy-operators");
  CHECK(r.row("fusion 'gate'") == "1 place deployed");
}

PassRunner replaced(std::string_view keys) {
  PassRunner r = fused(swish_net(), fusion("swish", kSwish, keys), kWideBias);
  find_quantization_points(r);
  return r;
}

TEST_CASE("the weight of a fused operator is searched like that of the operator that it stands for") {
  PassRunner plain = replaced(""), made = replaced("fused: 'y = com.acme.Swish(x, w, b)'");
  plain.run("weight-scale-search");
  made.run("weight-scale-search");
  CHECK(plain.row("searched").starts_with("1 weights, "));
  CHECK(made.row("searched") == plain.row("searched"));
  const auto scales = made.working.configs.scales(made.input("mul", 1));
  CHECK(std::ranges::equal(scales, plain.working.configs.scales(plain.input("conv", 1))));
}

// x -> swish -> tanh, the swish as it is or as one operator; the verdicts of a dispatcher on both.
std::string verdicts(std::string_view keys, const std::string &method) {
  GraphMaker g;
  add_swish(g, g.input("x", {1, 2, 4, 4}), "s2");
  g.node("Tanh", {"s2"}, {"y"}, "tanh");
  g.output("y");
  PassRunner r = fused(std::move(g), fusion("swish", kSwish, keys));
  r.run("dispatch", "{method: " + method + "}");
  const auto verdict = [&](const char *name) { return r.working.dispatch.at(r.node(name)).verdict; };
  const bool computes = verdict(r.node("conv") == HT_NONE ? "mul" : "conv") == HT_DISPATCH_QUANTIZE;
  return std::string(computes ? "conv" : "") + (verdict("tanh") == HT_DISPATCH_QUANTIZE ? " tanh" : "");
}

TEST_CASE("to a dispatcher a fused operator is a weighted one where one that it stands for is") {
  constexpr std::string_view kFused = "fused: 'y = com.acme.Swish(x, w, b)'";
  const std::pair<const char *, const char *> table[] = {
      {"conservative", "conv tanh"}, {"aggressive", "conv tanh"}, {"perseus", "conv tanh"}, {"pointwise", "conv"}};
  for (const auto &[method, wanted] : table) {
    CAPTURE(method);
    CHECK(verdicts("", method) == wanted);
    CHECK(verdicts(kFused, method) == wanted);
  }
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.node("Tanh", {"x"}, {"t"}, "tanh");
  g.node("Relu", {"t"}, {"y"}, "relu");
  g.output("y");
  PassRunner r = fused(std::move(g), fusion("gate", "y = Relu(Tanh(x))", "fused: 'y = com.acme.Gate(x)'"));
  r.run("dispatch", "{method: conservative}");
  CHECK(r.working.dispatch.at(r.node("relu")).verdict != HT_DISPATCH_QUANTIZE);
}

TEST_CASE("the data of a fused operator have ranges at run time like those of the operator that it stands for") {
  PassRunner plain = replaced(""), made = replaced("fused: 'y = com.acme.Swish(x, w, b)'");
  plain.run("dynamic-quantization");
  made.run("dynamic-quantization");
  CHECK(plain.row("dynamic") == "1 inputs of weighted operators");
  CHECK(made.row("dynamic") == plain.row("dynamic"));
  CHECK(made.working.configs.get(made.input("mul", 0)).spec.dynamic != 0);
  CHECK(made.state(made.output("mul")) == "fp32");
}

TEST_CASE("what overrides call weights and bias is in a fused operator what it was in its place") {
  using pipeline::SlotKind;
  // A bias with scales that the operator can derive, and one that reads another input.
  for (const char *form : {"com.acme.Swish(x, w, b)", "com.acme.Swish(w, b, x)"}) {
    CAPTURE(form);
    const PassRunner r = replaced("fused: 'y = " + std::string(form) + "'");
    const pipeline::SlotKinds kinds(r.working.model);
    const bool data_first = std::string_view(form).find("(x") != std::string_view::npos;
    const std::uint32_t x = data_first ? 0 : 2, w = data_first ? 1 : 0, b = data_first ? 2 : 1;
    CHECK(kinds.of({r.node("mul"), false, x}) == SlotKind::kActivation);
    CHECK(kinds.of({r.node("mul"), false, w}) == SlotKind::kWeight);
    CHECK(kinds.of({r.node("mul"), false, b}) == SlotKind::kBias);
    CHECK(kinds.is_only_one({r.node("mul"), false, b}));
  }
}

TEST_CASE("places in bodies are found, quantized and replaced like others") {
  PassRunner r = fused(swish_in_branch(), fusion("swish", kSwish));
  CHECK(r.row("fusion 'swish'") == "1 place");
  r.run("assign-configs");
  CHECK(around(r) == "initial initial initial");
  CHECK(inside(r) == "none none none none none");

  PassRunner s(std::move(swish_in_branch(true).model),
               platform_with(fusion("swish", kNormSwish, "fused: 'y = com.acme.Swish(x, w, b)'")));
  s.run("fuse-operators", "{stage: find}");
  s.run("fold-batch-norm");
  s.run("fuse-operators", "{stage: replace}");
  CHECK(s.row("fusion 'swish' runs as") == "1 Swish");
  const model::Handle made = anywhere(s, "mul");
  REQUIRE(made != HT_NONE);
  CHECK(s.working.model.node(made).op_type == "Swish");
  CHECK(s.working.model.node(made).graph != s.working.model.main_graph());
  CHECK(anywhere(s, "conv") == HT_NONE);
}

}  // namespace
}  // namespace halftone::test
