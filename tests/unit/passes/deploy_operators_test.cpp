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

}  // namespace
}  // namespace halftone::test
