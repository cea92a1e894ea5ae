// Passes that find scales again, for a purpose of their own, or not at all.
#include <doctest/doctest.h>

#include "core/base/error.h"
#include "tests/unit/passes/small_platform.h"

namespace halftone::test {
namespace {

using model::Tensor;
using model::test::GraphMaker;

const std::string kCalibrationPlatform =
    text_of({.operators = R"(  - {types: [Conv, Gemm, MatMul], computing: true}
  - types: [Relu, Softmax, Add])",
             .bias = kWideBias,
             .rest = "fusion: {activations: [Relu], passive: true, swish: true, mish: false}\n"
                     "dispatcher: allin"});

// x -> conv -> relu -> conv2 -> softmax
PassRunner net() {
  GraphMaker g = with_conv_constants();
  g.node("Conv", {"x", "w", "b"}, {"t"}, "conv");
  g.node("Relu", {"t"}, {"u"}, "relu");
  g.node("Conv", {"u", "w", "b"}, {"v"}, "conv2");
  g.node("Softmax", {"v"}, {"y"}, "softmax");
  g.output("y");
  PassRunner r(std::move(g.model), kCalibrationPlatform);
  find_quantization_points(r);
  r.ranges.ranges = {{"x", {-1, 1}}, {"u", {0, 3}}, {"v", {-5, 5}}, {"y", {0, 1}}};
  return r;
}

TEST_CASE("isotone calibration is for what Softmax gives, before or after the other calibration") {
  for (const bool before : {true, false}) {
    PassRunner r = net();
    if (!before) r.run("runtime-calibration");
    r.ranges.ranges["y"] = {0, 2};
    r.run("isotone-calibration", "{axis: 1}");
    CHECK(r.ranges.collected == std::vector<std::string>{"y"});
    CHECK(r.state(r.output("softmax")) == "activated");
    const quant::Config &config = r.working.configs.get(r.output("softmax"));
    CHECK(config.observer == "isotone");
    CHECK(config.observer_parameters.at("axis") == "1");
    r.ranges.ranges["y"] = {0, 3};
    if (before) r.run("runtime-calibration");
    CHECK(r.scale(r.output("softmax")) == doctest::Approx(2.0 / 127));
    CHECK(r.scale(r.output("relu")) == doctest::Approx(3.0 / 127));
  }
}

TEST_CASE("isotone calibration of values by name") {
  PassRunner r = net();
  r.run("isotone-calibration", "{variables: [v, u]}");
  CHECK(r.row("calibrated") == "2 activations");
  CHECK(r.working.configs.get(r.output("conv2")).observer == "isotone");
  CHECK(r.state(r.output("softmax")) == "initial");
  CHECK_THROWS_AS(r.run("isotone-calibration", "{variables: [t]}"), Error);  // fused away
  CHECK_THROWS_AS(r.run("isotone-calibration", "{variables: [nothing]}"), Error);
}

TEST_CASE("an observer with parameters is set on the configs") {
  PassRunner r = net();
  r.run("runtime-calibration", "{observer: percentile, observer_parameters: [percentile=0.99, exact=true]}");
  const quant::Config &config = r.working.configs.get(r.output("relu"));
  CHECK(config.observer == "percentile");
  CHECK(config.observer_parameters.at("percentile") == "0.99");
  CHECK(config.observer_parameters.at("exact") == "true");
}

TEST_CASE("calibrating again follows the new ranges, and what is fused away stays so") {
  PassRunner r = net();
  r.run("runtime-calibration");
  r.run("passive-parameter-quantize");
  r.ranges.ranges["u"] = {0, 6};
  r.run("runtime-calibration");  // without override nothing is open
  CHECK(r.scale(r.output("relu")) == doctest::Approx(3.0 / 127));
  r.run("re-calibration");
  CHECK(r.row("calibrated") == "4 activations");
  CHECK(r.scale(r.output("relu")) == doctest::Approx(6.0 / 127));
  CHECK(r.state(r.output("conv")) == "overlapped");
  r.ranges.ranges["u"] = {0, 12};
  r.run("runtime-calibration", "{override: true}");
  CHECK(r.scale(r.output("relu")) == doctest::Approx(12.0 / 127));
}

TEST_CASE("dynamic quantization: inputs of weighted operators, nothing else, and no data") {
  PassRunner r = net();
  r.run("dynamic-quantization");
  CHECK(r.ranges.collected.empty());
  for (const model::Handle config : {r.input("conv", 0), r.input("conv2", 0)}) {
    CHECK(r.state(config) == "activated");
    const auto quantizer = r.working.configs.quantizer(config);
    REQUIRE(quantizer.has_value());
    REQUIRE(quantizer->dynamic != nullptr);
    CHECK(quantizer->count == 0);
    CHECK(quantizer->quant_max == 255);
    CHECK(quantizer->dynamic->symmetry == HT_ASYMMETRIC);
  }
  for (const model::Handle config : {r.output("conv"), r.output("relu"), r.input("softmax", 0), r.output("softmax")}) {
    CHECK(r.state(config) == "fp32");
  }
  CHECK(r.row("dynamic") == "2 inputs of weighted operators");
  r.run("passive-parameter-quantize");
  CHECK(r.state(r.input("conv", 1)) == "activated");
  CHECK(r.state(r.input("conv", 2)) == "fp32");
  PassRunner own = net();
  own.run("dynamic-quantization", "{type: platform}");
  CHECK(own.working.configs.quantizer(own.input("conv2", 0))->dynamic->symmetry == HT_SYMMETRIC);
}

}  // namespace
}  // namespace halftone::test
