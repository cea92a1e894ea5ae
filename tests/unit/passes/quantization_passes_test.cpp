#include <doctest/doctest.h>

#include "tests/unit/passes/small_platform.h"

namespace halftone::test {
namespace {

using model::Tensor;
using model::test::GraphMaker;

const std::string kQuantizationPlatform =
    text_of({.operators = R"(  - {types: [Conv, Gemm, MatMul], computing: true}
  - types: [Relu, Clip, Sigmoid, Mul, Add, Concat, AveragePool]
  - {types: [MaxPool, Split], passive: true})",
             .bias = kWideBias,
             .rest = "fusion: {activations: [Relu], passive: true, swish: true, mish: false}\n"
                     "dispatcher: allin"});

TEST_CASE("conv, relu and pool are one quantization point; weight, bias and baking follow") {
  GraphMaker g = with_conv_constants();
  g.node("Conv", {"x", "w", "b"}, {"t"}, "conv");
  g.node("Relu", {"t"}, {"u"}, "relu");
  g.node("MaxPool", {"u"}, {"v"}, "pool");
  g.node("Conv", {"v", "w"}, {"y"}, "conv2");
  g.output("y");
  PassRunner r(std::move(g.model), kQuantizationPlatform);
  r.run("assign-configs");
  CHECK(r.state(r.input("conv", 2)) == "passive-init");
  r.run("quantize-fusion");
  CHECK(r.state(r.output("conv")) == "overlapped");
  CHECK(r.state(r.input("relu", 0)) == "overlapped");
  CHECK(r.state(r.output("relu")) == "initial");
  r.run("quantize-simplify");
  for (const model::Handle config : {r.input("pool", 0), r.output("pool"), r.input("conv2", 0)}) {
    CHECK(r.state(config) == "overlapped");
    CHECK(r.working.configs.root(config) == r.output("relu"));
  }
  r.run("parameter-quantize");
  CHECK(r.working.configs.scales(r.input("conv", 1))[0] == doctest::Approx(0.01));
  CHECK(r.working.configs.scales(r.input("conv", 1))[1] == doctest::Approx(0.02));
  r.ranges.ranges = {{"x", {-2, 1}}, {"u", {0, 3}}, {"y", {-5, 5}}};
  r.run("runtime-calibration");
  CHECK(r.ranges.collected == std::vector<std::string>{"x", "u", "y"});
  CHECK(r.scale(r.input("conv2", 0)) == doctest::Approx(3.0 / 127));
  r.run("passive-parameter-quantize");
  CHECK(r.state(r.input("conv", 2)) == "passive");
  CHECK(r.working.configs.scales(r.input("conv", 2))[1] == doctest::Approx(2.0 / 127 * 0.02));
  r.run("parameter-baking");
  CHECK(r.state(r.input("conv", 1)) == "baked");
  CHECK(r.state(r.input("conv", 2)) == "passive-baked");
}

TEST_CASE("a value that is an output, or that two nodes read, is not fused away") {
  GraphMaker g = with_conv_constants();
  g.node("Conv", {"x", "w"}, {"t"}, "conv");
  g.node("Relu", {"t"}, {"u"}, "relu");
  g.node("Conv", {"u", "w"}, {"s"}, "conv2");
  g.node("Relu", {"s"}, {"y"}, "relu2");
  g.node("MaxPool", {"s"}, {"z"}, "pool");
  for (const char *out : {"t", "y", "z"}) g.output(out);
  PassRunner r(std::move(g.model), kQuantizationPlatform);
  r.run("assign-configs");
  r.run("quantize-fusion");
  CHECK(r.state(r.output("conv")) == "initial");
  CHECK(r.state(r.output("conv2")) == "initial");
}

TEST_CASE("swish: one point for five slots") {
  GraphMaker g = with_conv_constants();
  g.node("Conv", {"x", "w"}, {"t"}, "conv");
  g.node("Sigmoid", {"t"}, {"s"}, "sigmoid");
  g.node("Mul", {"s", "t"}, {"y"}, "mul");
  g.output("y");
  PassRunner r(std::move(g.model), kQuantizationPlatform);
  r.run("assign-configs");
  r.run("quantize-fusion");
  for (const model::Handle config :
       {r.output("conv"), r.input("sigmoid", 0), r.output("sigmoid"), r.input("mul", 0), r.input("mul", 1)}) {
    CHECK(r.state(config) == "overlapped");
    CHECK(r.working.configs.root(config) == r.output("mul"));
  }
}

TEST_CASE("outputs of Split do not follow a Relu behind one of them") {
  GraphMaker g;
  g.input("x", {1, 4});
  g.node("Split", {"x"}, {"a", "b"}, "split");
  g.node("Relu", {"a"}, {"y"}, "relu");
  g.node("Sigmoid", {"b"}, {"z"}, "sigmoid");
  g.output("y");
  g.output("z");
  PassRunner r(std::move(g.model), kQuantizationPlatform);
  r.run("assign-configs");
  r.run("quantize-fusion");
  CHECK(r.working.configs.root(r.output("split", 1)) == r.input("split", 0));
  CHECK(r.state(r.output("relu")) == "initial");
}

TEST_CASE("readers of a graph input share one scale and stay live") {
  GraphMaker g = with_conv_constants();
  g.node("Conv", {"x", "w"}, {"y"}, "conv");
  g.node("MaxPool", {"x"}, {"z"}, "pool");
  g.output("y");
  g.output("z");
  PassRunner r(std::move(g.model), kQuantizationPlatform);
  find_quantization_points(r);
  r.ranges.ranges = {{"x", {-1.27F, 1}}};
  r.run("runtime-calibration");
  CHECK(r.state(r.input("conv", 0)) == "activated");
  CHECK(r.state(r.input("pool", 0)) == "passive");
  CHECK(r.scale(r.input("pool", 0)) == doctest::Approx(0.01));
}

// conv1 -> add <- conv2 -> conv3: the example of the alignment pass.
PassRunner residual(std::string_view alignment) {
  GraphMaker g = with_conv_constants();
  g.node("Conv", {"x", "w"}, {"a"}, "conv1");
  g.node("Conv", {"x", "w"}, {"b2"}, "conv2");
  g.node("Add", {"a", "b2"}, {"s"}, "add");
  g.node("Conv", {"b2", "w"}, {"y"}, "conv3");
  g.output("s");
  g.output("y");
  PassRunner r(std::move(g.model), kQuantizationPlatform);
  find_quantization_points(r);
  r.ranges.ranges = {{"x", {-1, 1}}, {"a", {-1.27F, 1}}, {"b2", {-2.54F, 2}}, {"s", {-3.81F, 3}}, {"y", {-1, 1}}};
  r.run("runtime-calibration");
  r.run("quant-alignment", alignment);
  return r;
}

TEST_CASE("alignment to the largest leaves a shared producer alone unless forced") {
  const PassRunner r = residual("{elementwise: to_large, force_overlap: false}");
  CHECK(r.state(r.input("add", 0)) == "passive");
  CHECK(r.state(r.input("add", 1)) == "passive");
  CHECK(r.scale(r.input("add", 0)) == r.scale(r.output("conv2")));  // exactly: nothing is inflated
  CHECK(r.scale(r.output("conv1")) == r.scale(r.output("conv2")));
  CHECK(r.state(r.output("conv1")) == "passive");
  CHECK(r.state(r.output("conv2")) == "activated");
  CHECK(r.row("elementwise") == "1 nodes aligned");
}

TEST_CASE("alignment to the output, without and with force") {
  const PassRunner kept = residual("{elementwise: to_output, force_overlap: false}");
  CHECK(kept.scale(kept.input("add", 1)) == doctest::Approx(0.03));
  CHECK(kept.scale(kept.output("conv1")) == doctest::Approx(0.03));
  CHECK(kept.scale(kept.output("conv2")) == doctest::Approx(0.02));
  CHECK(kept.scale(kept.input("conv3", 0)) == doctest::Approx(0.02));
  const PassRunner forced = residual("{elementwise: to_output, force_overlap: true}");
  CHECK(forced.scale(forced.output("conv2")) == doctest::Approx(0.03));
  CHECK(forced.scale(forced.input("conv3", 0)) == doctest::Approx(0.03));
}

TEST_CASE("PPQ's range inflates the scale") {
  const PassRunner r = residual("{elementwise: to_large, ppq_range: true}");
  CHECK(r.scale(r.input("add", 0)) == doctest::Approx(0.02 * 128 / 127));
}

TEST_CASE("alignment to the input, and to nothing") {
  const PassRunner r = residual("{elementwise: to_input}");
  CHECK(r.scale(r.output("add")) == doctest::Approx(0.01));
  const PassRunner none = residual("{}");
  CHECK(none.scale(none.input("add", 0)) == doctest::Approx(0.01));
}

TEST_CASE("aligning one reader of a graph input leaves the other readers their scale") {
  GraphMaker g = with_conv_constants();
  g.input("x2", {1, 2, 4, 4});
  g.node("Add", {"x", "x2"}, {"s"}, "add");
  g.node("Conv", {"x", "w"}, {"y"}, "conv");
  g.output("s");
  g.output("y");
  PassRunner r(std::move(g.model), kQuantizationPlatform);
  find_quantization_points(r);
  r.ranges.ranges = {{"x", {-1.27F, 1}}, {"x2", {-2.54F, 1}}};
  r.run("runtime-calibration");
  REQUIRE(r.scale(r.input("conv", 0)) == doctest::Approx(0.01));
  r.run("quant-alignment", "{elementwise: to_large}");
  CHECK(r.scale(r.input("add", 0)) == doctest::Approx(0.02));
  CHECK(r.scale(r.input("add", 1)) == doctest::Approx(0.02));
  CHECK(r.scale(r.input("conv", 0)) == doctest::Approx(0.01));
}

TEST_CASE("a value that is always empty stays in float, and so does the bias behind it") {
  GraphMaker g = with_conv_constants();
  g.node("Conv", {"x", "w", "b"}, {"t"}, "conv");
  g.node("Relu", {"t"}, {"u"}, "relu");
  g.node("Conv", {"u", "w", "b"}, {"y"}, "conv2");
  g.output("y");
  PassRunner r(std::move(g.model), kQuantizationPlatform);
  find_quantization_points(r);
  r.ranges.empty = {"u"};
  r.run("runtime-calibration");
  CHECK(r.row("calibrated") == "2 activations");
  CHECK(r.row("left in float") == "1 activations that no calibration sample produced");
  CHECK(r.state(r.output("relu")) == "fp32");
  r.run("passive-parameter-quantize");
  CHECK(r.state(r.input("conv", 2)) == "passive");
  CHECK(r.state(r.input("conv2", 2)) == "fp32");
}

TEST_CASE("a channel of zero weights does not make its bias overflow") {
  GraphMaker g = with_conv_constants();
  g.model.set_initializer(g.at("w"), Tensor::from_floats({2, 2, 1, 1}, std::vector<float>{1.27F, 1, 0, 0}));
  g.model.set_initializer(g.at("b"), Tensor::from_floats({2}, std::vector<float>{3, -4000}));
  g.node("Conv", {"x", "w", "b"}, {"y"}, "conv");
  g.output("y");
  PassRunner r(std::move(g.model), kQuantizationPlatform);
  find_quantization_points(r);
  r.ranges.ranges = {{"x", {-0.0127F, 0}}};
  r.run("runtime-calibration");
  r.run("passive-parameter-quantize");
  CHECK(r.row("repaired") == "1 channels whose bias did not fit: weight scale enlarged");
  const auto scales = r.working.configs.scales(r.input("conv", 2));
  CHECK(4000.0 / static_cast<double>(scales[1]) <= 2147483647.0);
  CHECK(r.working.configs.scales(r.input("conv", 1))[0] == doctest::Approx(0.01));
}

}  // namespace
}  // namespace halftone::test
