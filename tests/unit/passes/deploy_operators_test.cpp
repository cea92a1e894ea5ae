// What stands in the file in the places of fusions: with the scales and weights of what was there.
#include <doctest/doctest.h>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/passes/fusion_net.h"

namespace halftone::test {
namespace {

using model::test::GraphMaker;

constexpr std::string_view kDeployed = "deployed: 'y = com.acme.ConvSwish[Conv.*](x, w, b)'";

// All that a pipeline does with the net before its end.
PassRunner quantized(GraphMaker g, const std::string &fusions, std::string_view bias = "fp32") {
  PassRunner r(std::move(g.model), platform_with(fusions, bias));
  r.run("fuse-operators", "{stage: find}");
  r.run("fold-batch-norm");
  find_quantization_points(r);
  r.run("runtime-calibration");
  r.run("passive-parameter-quantize");
  r.run("parameter-baking");
  return r;
}

TEST_CASE("the deployed form has the attributes, scales and weights of its place") {
  GraphMaker g = swish_net(true);
  g.model.set_attribute(g.model.find_node(g.graph, "conv"), "strides", {std::vector<std::int64_t>{2, 2}});
  PassRunner r = quantized(std::move(g), fusion("swish", kNormSwish, kDeployed));
  const std::vector<float> weight = stored(r, "conv", 1), bias = stored(r, "conv", 2);
  const float x = r.scale(r.input("conv", 0)), y = r.scale(r.output("mul"));
  const auto w = r.working.configs.scales(r.input("conv", 1));
  const std::vector<float> scales(w.begin(), w.end());

  r.run("deploy-operators");
  CHECK(r.row("fusion 'swish'") == "1 place deployed");
  CHECK(model::test::ops_in_order(r.working.model) == "ConvSwish");
  CHECK(model::test::attribute<std::vector<std::int64_t>>(r.working.model, r.node("mul"), "strides") ==
        std::vector<std::int64_t>{2, 2});
  CHECK(stored(r, "mul", 1) == weight);
  CHECK(stored(r, "mul", 2) == bias);
  CHECK(r.scale(r.input("mul", 0)) == x);
  CHECK(r.scale(r.output("mul")) == y);
  const auto now = r.working.configs.scales(r.input("mul", 1));
  CHECK(std::vector<float>(now.begin(), now.end()) == scales);
  CHECK(r.state(r.input("mul", 1)) == "baked");
}

TEST_CASE("a fusion without a deployed form stays as it is") {
  PassRunner r = quantized(swish_net(), fusion("swish", kSwish));
  r.run("deploy-operators");
  CHECK(r.row("fusion 'swish'") == "");
  CHECK(model::test::ops_in_order(r.working.model) == "Conv Sigmoid Mul");
}

TEST_CASE("a place with a node in float keeps its float form") {
  PassRunner r = quantized(swish_net(), fusion("swish", kSwish, kDeployed));
  r.working.configs.set_state(r.output("mul"), quant::State::kFp32, "by hand");
  r.run("deploy-operators");
  CHECK(r.row("fusion 'swish'") == "");
  CHECK(model::test::ops_in_order(r.working.model) == "Conv Sigmoid Mul");
}

TEST_CASE("places in bodies are deployed like others") {
  for (const bool norm : {false, true}) {
    PassRunner r = quantized(swish_in_branch(norm), fusion("swish", norm ? kNormSwish : kSwish, kDeployed));
    r.run("deploy-operators");
    CHECK(r.row("fusion 'swish'") == "1 place deployed");
    std::string types;
    for (const model::Handle graph : r.working.model.graphs()) {
      for (const model::Handle node : r.working.model.topological_order(graph))
        types += r.working.model.node(node).op_type + " ";
    }
    CHECK(types == "If Relu ConvSwish ");
  }
}

TEST_CASE("a normalization that is not folded is an error that says which, where and what to do") {
  PassRunner r(std::move(swish_net(true).model), platform_with(fusion("swish", kNormSwish, kDeployed)));
  r.run("fuse-operators");
  find_quantization_points(r);
  expect_error(Status::kFailedPrecondition,
               {"the fusion 'swish'", "the place of Mul 'mul'", "BatchNormalization 'norm'",
                "put fold-batch-norm between fuse-operators and this pass"},
               [&] { r.run("deploy-operators"); });
}

TEST_CASE("a normalization that cannot be folded is another one") {
  GraphMaker g = swish_net(true);
  g.input("scale", {2});
  g.model.set_input(g.model.find_node(g.graph, "norm"), 1, g.at("scale"));
  PassRunner r(std::move(g.model), platform_with(fusion("swish", kNormSwish, kDeployed)));
  r.run("fuse-operators");
  r.run("fold-batch-norm");
  find_quantization_points(r);
  expect_error(Status::kFailedPrecondition,
               {"'norm' inside", "takes stored parameters, and 'scale' is computed", "out of the pattern"},
               [&] { r.run("deploy-operators"); });
}

// What deploying says when passes have changed nodes between finding places and deploying them.
void expect_lost(GraphMaker g, const std::string &fusions, const std::vector<std::string_view> &passes,
                 std::initializer_list<std::string_view> told) {
  PassRunner r(std::move(g.model), platform_with(fusions));
  r.run("fuse-operators");
  for (const std::string_view pass : passes) r.run(pass);
  find_quantization_points(r);
  expect_error(Status::kFailedPrecondition, told, [&] { r.run("deploy-operators"); });
}

TEST_CASE("a normalization that became another operator, as the weight before it is computed, is an error") {
  const auto net = [] {
    GraphMaker g = swish_net(true);
    g.input("filter", {2, 2, 1, 1});
    g.model.set_input(g.model.find_node(g.graph, "conv"), 1, g.at("filter"));
    return g;
  };
  const std::string fusions = fusion("swish", kNormSwish, kDeployed);
  const std::string remedy = "takes stored parameters, and 'filter' is computed: leave the normalization out";
  for (const std::string_view pass : {"fold-batch-norm", "replace-batch-norm"}) {
    expect_lost(
        net(), fusions, {pass},
        {"the place of Mul 'mul', which would lose Conv 'norm' inside, which stands for BatchNormalization", remedy});
  }
}

TEST_CASE("a weight that constants compute is told to be folded first, which helps") {
  const auto net = [] {
    GraphMaker g = swish_net(true);
    const model::Handle conv = g.model.find_node(g.graph, "conv");
    g.node("Identity", {g.model.value(g.model.node(conv).inputs[1]).name}, {"same"}, "weight");
    g.model.set_input(conv, 1, g.at("same"));
    return g;
  };
  const std::string fusions = fusion("swish", kNormSwish, kDeployed);
  expect_lost(net(), fusions, {"fold-batch-norm"},
              {"takes stored parameters, and 'same' is computed: put constant-folding before fuse-operators and "
               "fold-batch-norm"});
  PassRunner r(net().model, platform_with(fusions));
  r.run("constant-folding");
  r.run("fuse-operators");
  r.run("fold-batch-norm");
  find_quantization_points(r);
  r.run("deploy-operators");
  CHECK(model::test::ops_in_order(r.working.model) == "ConvSwish");
}

TEST_CASE("a normalization that became another operator where it could have been folded is an error") {
  expect_lost(swish_net(true), fusion("swish", kNormSwish, kDeployed), {"replace-batch-norm"},
              {"lose Conv 'norm' inside", "put fold-batch-norm between fuse-operators and this pass"});
}

// A layer with a constant added.
GraphMaker biased_net(model::Tensor added) {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("w", model::Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1.27F, -0.5F, 0.25F, 2.54F}));
  g.constant("c", std::move(added));
  g.node("Conv", {"x", "w"}, {"t"}, "conv");
  g.node("Add", {"t", "c"}, {"a"}, "add");
  g.node("Relu", {"a"}, {"y"}, "relu");
  g.output("y");
  return g;
}

TEST_CASE("a node of a place that a pass merged into another one is an error") {
  const model::Tensor bias = model::Tensor::from_floats({2, 1, 1}, std::vector<float>{0.5F, -1});
  for (const char *b : {", b?", ""}) {
    const std::string conv = fmt::format("Conv(x, w{})", b), read = *b == 0 ? "x, w, c" : "x, w, b, c";
    expect_lost(
        biased_net(bias),
        fusion("biased", fmt::format("y = Relu(Add({}, c))", conv),
               fmt::format("deployed: 'y = com.acme.Biased({})'", read)),
        {"fuse-bias-add"},
        {"the place of Relu 'relu'", "what was computed of c inside", "before the fuse-operators that finds places"});
  }
  expect_lost(biased_net(model::Tensor::from_floats({}, std::vector<float>{3})),
              fusion("shifted", "y = Relu(Add(Conv(x, w, b?), 3))", "deployed: 'y = com.acme.Shifted(x, w, b)'"),
              {"fuse-bias-add"},
              {"the place of Relu 'relu'", "lose Add of a number inside, as Conv 'conv' has the number now",
               "before the fuse-operators that finds places"});
}

TEST_CASE("a bias that a place got later, and for which the pattern has no name, is an error") {
  const model::Tensor zeros = model::Tensor::from_floats({2, 1, 1}, std::vector<float>{0, 0});
  PassRunner r(std::move(biased_net(zeros).model),
               platform_with(fusion("added", "y = Add(Conv(x, w), c)", "deployed: 'y = com.acme.Added(x, w, c)'")));
  r.run("fuse-operators");
  model::Model &m = r.working.model;
  const model::Tensor bias = model::Tensor::from_floats({2}, std::vector<float>{1, 2});
  m.set_input(r.node("conv"), 2, m.add_initializer(m.main_graph(), "shift", bias));
  find_quantization_points(r);
  expect_error(Status::kFailedPrecondition,
               {"lose input 2 of Conv 'conv' inside, 'shift', for which the pattern has no name", "b?"},
               [&] { r.run("deploy-operators"); });
}

// A node in the middle that only passes a value on.
GraphMaker gate_net() {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.node("Tanh", {"x"}, {"t"}, "tanh");
  g.node("Identity", {"t"}, {"i"}, "identity");
  g.node("Relu", {"i"}, {"y"}, "relu");
  g.output("y");
  return g;
}

TEST_CASE("a node that only passed a value on into a place and is gone is an error of the value that it read") {
  expect_lost(gate_net(), fusion("gate", "y = Relu(Identity(x))", "deployed: 'y = com.acme.Gate(x)'"),
              {"remove-identity"},
              {"the place of Relu 'relu'", "what was computed of x inside", "put the pass that took it away before"});
}

TEST_CASE("what was computed of constants alone may be computed already") {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("two", model::Tensor::from_floats({}, std::vector<float>{2}));
  g.node("Sqrt", {"two"}, {"root"}, "sqrt");
  g.node("Div", {"x", "root"}, {"y"}, "div");
  g.output("y");
  PassRunner r(std::move(g.model),
               platform_with(fusion("half", "y = Div(x, Sqrt(2))", "deployed: 'y = com.acme.Half(x)'")));
  r.run("fuse-operators");
  r.run("constant-folding");
  find_quantization_points(r);
  r.run("deploy-operators");
  CHECK(model::test::ops_in_order(r.working.model) == "Half");
}

TEST_CASE("a node that was put between those of a place is an error") {
  PassRunner r(std::move(swish_net().model), platform_with(fusion("swish", kSwish, kDeployed)));
  r.run("fuse-operators");
  model::Model &m = r.working.model;
  const model::Handle t = m.find_value(m.main_graph(), "t"), between = m.add_value(m.main_graph(), "u");
  m.add_node(m.main_graph(), "Tanh", "", "between", {&t, 1}, {&between, 1});
  m.set_input(r.node("sigmoid"), 0, between);
  find_quantization_points(r);
  expect_error(
      Status::kFailedPrecondition,
      {"lose Tanh 'between' inside, which the pattern does not have", "before the fuse-operators that finds places"},
      [&] { r.run("deploy-operators"); });
}

TEST_CASE("what runs as one operator is deployed as another; what only passes values on may be gone") {
  GraphMaker g = swish_net(true);
  PassRunner r(std::move(g.model), platform_with(fusion("norm", "y = BatchNormalization(Conv(x, w, b?), g, beta, m, v)",
                                                        "fused: 'y = com.acme.Norm(x, w, b)', "
                                                        "deployed: 'y = com.acme.Deployed(w, x, b)'")));
  r.run("fuse-operators", "{stage: find}");
  r.run("fold-batch-norm");
  r.run("fuse-operators", "{stage: replace}");
  find_quantization_points(r);
  r.run("deploy-operators");
  CHECK(model::test::ops_in_order(r.working.model) == "Deployed Sigmoid Mul");

  PassRunner s(std::move(gate_net().model),
               platform_with(fusion("gate", "y = Relu(Identity(Tanh(x)))", "deployed: 'y = com.acme.Gate(x)'")));
  s.run("fuse-operators");
  s.run("remove-identity");
  find_quantization_points(s);
  s.run("deploy-operators");
  CHECK(model::test::ops_in_order(s.working.model) == "Gate");
}

}  // namespace
}  // namespace halftone::test
