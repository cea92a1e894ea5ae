// quantize-fusion: what each of its parameters turns on and off.
#include <doctest/doctest.h>

#include "tests/unit/model/graph_maker.h"
#include "tests/unit/passes/pass_runner.h"

namespace halftone::test {
namespace {

using model::Tensor;
using model::test::GraphMaker;

constexpr std::string_view kFusionPlatform = R"(
halftone-platform: 1
id: test
types:
  activation: {bits: 8, signed: true, symmetry: symmetric, observer: minmax}
  weight: {bits: 8, signed: true, symmetry: symmetric, observer: minmax}
operators:
  - {types: [Conv], computing: true}
  - types: [Relu, Sigmoid, Add, Mul, Tanh, Softplus]
  - {types: [MaxPool, Split], passive: true}
fusion: {activations: [Relu], passive: true}
)";

//  conv1 - relu - pool - conv2 - sigmoid - add - relu2 - split
PassRunner chain(std::string_view settings) {
  GraphMaker g;
  g.input("x", {1, 2, 4, 4});
  g.constant("w", Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1, 1, 1, 1}));
  g.node("Conv", {"x", "w"}, {"a"}, "conv1");
  g.node("Relu", {"a"}, {"b"}, "relu");
  g.node("MaxPool", {"b"}, {"c"}, "pool");
  g.node("Conv", {"c", "w"}, {"d"}, "conv2");
  g.node("Sigmoid", {"d"}, {"e"}, "sigmoid");
  g.node("Add", {"e", "c"}, {"f"}, "add");
  g.node("Relu", {"f"}, {"h"}, "relu2");
  g.node("Split", {"h"}, {"i", "j"}, "split");
  g.output("i");
  g.output("j");
  PassRunner r(std::move(g.model), kFusionPlatform);
  r.run("assign-configs");
  r.run("quantize-fusion", settings);
  return r;
}

bool fused(const PassRunner &r, std::string_view node) {
  return r.state(r.output(node)) == "overlapped";
}

TEST_CASE("by itself: activations of the platform's list, passive operators, any operator before a Relu") {
  const PassRunner r = chain("{}");
  CHECK(r.working.configs.root(r.output("conv1")) == r.output("relu"));
  CHECK(r.working.configs.root(r.output("pool")) == r.input("pool", 0));
  CHECK_FALSE(fused(r, "conv2"));
  CHECK(r.working.configs.root(r.output("add")) == r.output("relu2"));
  CHECK(r.working.configs.root(r.output("split", 0)) == r.input("split", 0));
  CHECK(r.working.configs.root(r.output("split", 1)) == r.input("split", 0));
}

TEST_CASE("`activations` takes the place of the platform's list") {
  const PassRunner r = chain("{activations: [Sigmoid], relu_clip: false}");
  CHECK_FALSE(fused(r, "conv1"));
  CHECK(r.working.configs.root(r.output("conv2")) == r.output("sigmoid"));
  CHECK(r.row("activations") == "1 fused with computing operators");
}

TEST_CASE("`fuse_activation: false` leaves a Relu to `relu_clip`, which leaves other activations") {
  const PassRunner r = chain("{activations: [Relu, Sigmoid], fuse_activation: false}");
  CHECK(fused(r, "conv1"));
  CHECK_FALSE(fused(r, "conv2"));
  const PassRunner none = chain("{fuse_activation: false, relu_clip: false}");
  CHECK_FALSE(fused(none, "conv1"));
  CHECK_FALSE(fused(none, "add"));
}

TEST_CASE("`passive: false` leaves operators that move values their own quantization") {
  const PassRunner r = chain("{passive: false}");
  CHECK(r.state(r.output("pool")) == "initial");
  CHECK(r.state(r.output("split", 1)) == "initial");
  CHECK(fused(r, "conv1"));
}

TEST_CASE("`mish` and the name Mish in the list say the same") {
  for (const char *settings : {"{mish: true}", "{activations: [Mish]}", "{mish: false, activations: [Mish]}"}) {
    CAPTURE(settings);
    GraphMaker g;
    g.input("x", {1, 2, 4, 4});
    g.constant("w", Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1, 1, 1, 1}));
    g.node("Conv", {"x", "w"}, {"t"}, "conv");
    g.node("Softplus", {"t"}, {"p"}, "softplus");
    g.node("Tanh", {"p"}, {"q"}, "tanh");
    g.node("Mul", {"q", "t"}, {"y"}, "mul");
    g.output("y");
    PassRunner r(std::move(g.model), kFusionPlatform);
    r.run("assign-configs");
    r.run("quantize-fusion", settings);
    const bool off = std::string_view(settings).find("mish: false") != std::string_view::npos;
    CHECK((r.working.configs.root(r.output("conv")) == r.output("mul")) == !off);
    CHECK((r.working.configs.root(r.input("tanh", 0)) == r.output("mul")) == !off);
  }
}

}  // namespace
}  // namespace halftone::test
