// The correction passes on small networks, with samples, against what the reference executor computes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/unit/base/expect_error.h"
#include "tests/unit/passes/small_platform.h"
#include "tests/unit/reference/model_runner.h"

namespace halftone::test {
namespace {

using model::Tensor;
using model::test::GraphMaker;

// Weights of 3 bits, so that there is something to correct.
const std::string kPlatform =
    text_of({.operators = "  - {types: [Conv, ConvTranspose, Gemm, MatMul], computing: true, outputs: fp32}",
             .bias = "fp32",
             .rest = "dispatcher: allin",
             .bits_of_weights = "3"});

std::vector<std::vector<float>> samples_of(std::size_t count, std::size_t size) {
  std::vector<std::vector<float>> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(normal(size, static_cast<unsigned>(100 + i), 0.5F));
  return out;
}

// Divided by the root of how many are summed up, so that values keep their size from layer to layer.
Tensor tensor(model::Shape shape, unsigned seed, float summed = 1) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  std::vector<float> values = normal(count, seed);
  for (float &x : values) x /= std::sqrt(summed);
  return Tensor::from_floats(std::move(shape), values);
}

void set_ints(GraphMaker &g, model::Handle node, std::string_view name, std::vector<std::int64_t> values) {
  g.model.set_attribute(node, name, {std::move(values)});
}

// Convolutions of every form, then a product: x -> conv -> Relu -> depthwise -> grouped -> transposed -> Gemm,
// MatMul+Add. What the Gemm adds is nothing, or one number.
GraphMaker network(bool adds_a_number = false) {
  GraphMaker g;
  g.input("x", {1, 2, 6, 6});
  g.constant("w0", tensor({4, 2, 3, 3}, 1, 18));
  set_ints(g, g.node("Conv", {"x", "w0"}, {"a"}, "conv"), "pads", {1, 1, 1, 1});
  g.node("Relu", {"a"}, {"b"}, "relu");
  g.constant("w1", tensor({4, 1, 3, 3}, 2, 9));
  const model::Handle depthwise = g.node("Conv", {"b", "w1", "b1"}, {"c"}, "depthwise");
  g.model.set_initializer(g.at("b1"), tensor({4}, 7));
  g.model.set_attribute(depthwise, "group", {std::int64_t{4}});
  set_ints(g, depthwise, "strides", {2, 2});
  set_ints(g, depthwise, "pads", {0, 0, 1, 1});
  g.constant("w2", tensor({6, 2, 1, 1}, 3, 2));
  g.model.set_attribute(g.node("Conv", {"c", "w2"}, {"d"}, "grouped"), "group", {std::int64_t{2}});
  g.constant("w3", tensor({6, 2, 2, 2}, 4, 6));
  set_ints(g, g.node("ConvTranspose", {"d", "w3"}, {"e"}, "transposed"), "strides", {2, 2});
  g.node("Flatten", {"e"}, {"f"}, "flatten");
  g.constant("w4", tensor({5, 72}, 5, 72));
  std::vector<std::string> inputs = {"f", "w4"};
  if (adds_a_number) {
    g.constant("c4", Tensor::from_floats({1}, std::vector<float>{3}));
    inputs.emplace_back("c4");
  }
  const model::Handle gemm = g.node("Gemm", {inputs.begin(), inputs.end()}, {"h"}, "gemm");
  g.model.set_attribute(gemm, "transB", {std::int64_t{1}});
  if (!adds_a_number) g.model.set_attribute(gemm, "beta", {0.25F});  // nothing is multiplied by it
  g.constant("w5", tensor({5, 3}, 6, 5));
  g.node("MatMul", {"h", "w5"}, {"i"}, "matmul");
  g.constant("b5", tensor({3}, 8));
  g.node("Add", {"i", "b5"}, {"y"}, "add");
  g.output("y");
  return g;
}

constexpr std::size_t kSize = 72;

PassRunner prepared(std::uint32_t threads = 1, bool adds_a_number = false) {
  PassRunner r(network(adds_a_number).model, kPlatform);
  for (const char *value : {"a", "b", "c", "d", "e", "f", "h", "i"}) r.ranges.ranges[value] = {-8, 8};
  r.ranges.ranges["x"] = {-4, 4};
  r.feed({2, 6, 6}, samples_of(12, kSize), threads);
  for (const char *pass : {"assign-configs", "parameter-quantize", "runtime-calibration"}) r.run(pass);
  return r;
}

// Values over all samples, one after the other.
std::vector<float> values_of(host::WorkingModel &working, host::Mode mode, const char *name) {
  const model::Handle value = working.model.find_value(working.model.main_graph(), name);
  ModelRunner runner(working, {.mode = mode, .emits = {value}});
  std::vector<float> all;
  for (const std::vector<float> &sample : samples_of(12, kSize)) {
    const std::vector<float> one = emitted(runner.run({Tensor::from_floats({1, 2, 6, 6}, sample)}), value).to_floats();
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

struct Difference {
  double mean = 0, squared = 0;  // the largest mean of a channel
};

Difference difference(PassRunner &r, host::WorkingModel before, const char *name, std::size_t channels,
                      std::size_t inner) {
  const std::vector<float> q = values_of(r.working, host::Mode::kSimulated, name);
  const std::vector<float> f = values_of(before, host::Mode::kFloat, name);
  REQUIRE(q.size() == f.size());
  std::vector<double> mean(channels, 0);
  Difference out;
  for (std::size_t i = 0; i < q.size(); ++i) {
    const double d = static_cast<double>(q[i]) - static_cast<double>(f[i]);
    mean[i / inner % channels] += d * static_cast<double>(channels) / static_cast<double>(q.size());
    out.squared += d * d;
  }
  for (const double m : mean) out.mean = std::max(out.mean, std::abs(m));
  return out;
}

TEST_CASE("bias correction: every layer's outputs have the means of the float network") {
  PassRunner r = prepared();
  const host::WorkingModel before = r.working;
  CHECK(difference(r, before, "y", 3, 1).mean > 0.1);
  r.run("bias-correction", "{revert: false}");
  CHECK(r.row("corrected") == "6 layers");
  CHECK(difference(r, before, "a", 4, 36).mean < 1e-4);
  CHECK(difference(r, before, "c", 4, 9).mean < 1e-4);
  CHECK(difference(r, before, "d", 6, 9).mean < 1e-4);
  CHECK(difference(r, before, "e", 2, 36).mean < 1e-4);
  CHECK(difference(r, before, "h", 5, 1).mean < 1e-4);
  CHECK(difference(r, before, "y", 3, 1).mean < 1e-4);
}

TEST_CASE("analytic bias correction moves each bias by what rounding does to the means of the input") {
  PassRunner r = prepared();
  // The test's statistics are one mean for each channel of "c".
  r.ranges.channel_means["c"] = {0.5, -1, 2, 0.25};
  const std::vector<float> w = stored(r, "grouped", 1);
  const auto scales = r.working.configs.scales(r.input("grouped", 1));
  r.run("bias-correction", "{mode: analytic, layers: [grouped]}");
  const std::vector<float> bias = stored(r, "grouped", 2);
  REQUIRE(bias.size() == 6);
  for (std::size_t o = 0; o < 6; ++o) {
    double expected = 0;
    for (std::size_t c = 0; c < 2; ++c) {
      const float code = std::clamp(std::nearbyint(w[o * 2 + c] / scales[o]), -4.0F, 3.0F);
      const double mean = r.ranges.channel_means["c"][o / 3 * 2 + c];
      expected -= (static_cast<double>(code * scales[o]) - static_cast<double>(w[o * 2 + c])) * mean;
    }
    CHECK(static_cast<double>(bias[o]) == doctest::Approx(expected).epsilon(1e-5));
  }
}

TEST_CASE("bias correction lowers a layer's error, and leaves layers without bias alone when told to") {
  PassRunner r = prepared();
  const host::WorkingModel before = r.working;
  const double error = difference(r, before, "b", 4, 36).squared;
  r.run("bias-correction", "{layers: [conv, depthwise], add_bias: false}");
  CHECK(r.row("left") == "1 that have no bias");
  CHECK(r.working.model.node(r.node("conv")).inputs.size() == 2);
  r.run("bias-correction", "{layers: [conv]}");
  CHECK(r.working.model.node(r.node("conv")).inputs.size() == 3);
  CHECK(difference(r, before, "b", 4, 36).squared < error);
}

TEST_CASE("round tuning leaves weights on their grid, scales as they were, and less error") {
  for (const char *settings : {"{}", "{target: float_output}", "{sequential: false}", "{bias: false}"}) {
    INFO(std::string(settings));
    PassRunner r = prepared();
    const host::WorkingModel before = r.working;
    const double error = difference(r, before, "y", 3, 1).squared;
    std::map<std::string, std::vector<float>> scales;
    for (const char *node : {"conv", "depthwise", "grouped", "transposed", "gemm", "matmul"}) {
      const auto s = r.working.configs.scales(r.input(node, 1));
      scales[node] = {s.begin(), s.end()};
    }
    r.run("round-tuning", settings);
    CHECK(r.row("tuned") == "6 weights");
    for (const auto &[node, expected] : scales) {
      const auto s = r.working.configs.scales(r.input(node, 1));
      CHECK(std::vector<float>(s.begin(), s.end()) == expected);
      for (const float w : stored(r, node, 1)) {
        bool on_grid = false;
        for (const float scale : expected) {
          for (int code = -4; code <= 3; ++code) on_grid = on_grid || w == static_cast<float>(code) * scale;
        }
        CHECK(on_grid);
      }
    }
    CHECK(difference(r, before, "y", 3, 1).squared < 0.8 * error);
  }
}

TEST_CASE("what a Gemm adds is no part of what its weights are fitted to") {
  PassRunner r = prepared(1, true);
  const host::WorkingModel before = r.working;
  const double error = difference(r, before, "h", 5, 1).squared;
  r.run("round-tuning", "{target: float_output}");
  CHECK(r.row("tuned") == "6 weights");
  CHECK(difference(r, before, "h", 5, 1).squared < 0.8 * error);
}

TEST_CASE("corrections give the same bits on any number of threads") {
  for (const char *pass : {"round-tuning", "bias-correction", "seq-mse"}) {
    PassRunner one = prepared(1), three = prepared(3);
    one.run(pass);
    three.run(pass);
    for (const char *node : {"conv", "depthwise", "grouped", "transposed", "gemm", "matmul"}) {
      CHECK(stored(one, node, 1) == stored(three, node, 1));
      const auto a = one.working.configs.scales(one.input(node, 1)),
                 b = three.working.configs.scales(three.input(node, 1));
      CHECK(std::vector<float>(a.begin(), a.end()) == std::vector<float>(b.begin(), b.end()));
    }
  }
}

// 144 inputs of each output, 36 positions in a sample: wide layers are summed up over many samples at once.
TEST_CASE("wide layers are tuned from all samples, with the same bits on any number of threads") {
  const auto tuned = [](std::uint32_t threads, const char *settings) {
    GraphMaker g;
    g.input("x", {1, 2, 6, 6});
    g.constant("w0", tensor({16, 2, 1, 1}, 1, 2));
    g.node("Relu", {"a"}, {"b"}, "relu");
    g.node("Conv", {"x", "w0"}, {"a"}, "narrow");
    g.constant("w1", tensor({8, 16, 3, 3}, 2, 144));
    set_ints(g, g.node("Conv", {"b", "w1"}, {"y"}, "wide"), "pads", {1, 1, 1, 1});
    g.output("y");
    PassRunner r(std::move(g.model), kPlatform);
    r.ranges.ranges = {{"x", {-4, 4}}, {"b", {-8, 8}}};
    r.feed({2, 6, 6}, samples_of(70, kSize), threads);
    for (const char *pass : {"assign-configs", "parameter-quantize", "runtime-calibration"}) r.run(pass);
    const host::WorkingModel before = r.working;
    const double error = difference(r, before, "y", 8, 36).squared;
    r.run("round-tuning", settings);
    CHECK(difference(r, before, "y", 8, 36).squared < 0.8 * error);
    return stored(r, "wide", 1);
  };
  for (const char *settings : {"{}", "{target: float_output}"}) {
    const std::vector<float> all = tuned(1, settings);
    CHECK(all == tuned(3, settings));
    CHECK(all !=
          tuned(1, std::string_view(settings) == "{}" ? "{samples: 20}" : "{target: float_output, samples: 20}"));
  }
}

TEST_CASE("seq-mse lowers the error of the first layer's output, which the earlier ones cannot touch") {
  PassRunner r = prepared();
  const host::WorkingModel before = r.working;
  const double error = difference(r, before, "a", 4, 36).squared;
  r.run("seq-mse", "{layers: [conv]}");
  CHECK(r.row("searched") == "1 weights, 1 changed");
  CHECK(difference(r, before, "a", 4, 36).squared < error);
}

// x -> Exp -> quotient with itself -> conv: 1 for every number, and NaN where Exp overflows, for one of the samples.
PassRunner overflowing(bool quantized_input) {
  GraphMaker g;
  g.input("x", {1, 2, 6, 6});
  g.node("Exp", {"x"}, {"e"}, "exp");
  g.node("Div", {"e", "e"}, {"q"}, "quotient");
  g.constant("w", tensor({4, 2, 3, 3}, 1, 18));
  g.node("Conv", {"q", "w"}, {"y"}, "conv");
  g.output("y");
  std::string platform(kPlatform);
  if (!quantized_input) platform.replace(platform.find("outputs: fp32"), 13, "outputs: fp32, inputs: {0: fp32}");
  PassRunner r(std::move(g.model), platform);
  std::vector<std::vector<float>> samples = samples_of(12, kSize);
  samples[7][40] = 100;  // exp(100) is beyond float32
  r.feed({2, 6, 6}, samples, 2);
  for (const char *pass : {"assign-configs", "parameter-quantize", "runtime-calibration"}) r.run(pass);
  return r;
}

TEST_CASE("moments of numbers that are none are refused, and the weights stay") {
  for (const bool quantized_input : {true, false}) {
    for (const auto &[pass, settings] : {std::pair("round-tuning", "{}"), std::pair("seq-mse", "{}"),
                                         std::pair("round-tuning", "{target: float_output}")}) {
      PassRunner r = overflowing(quantized_input);
      const std::vector<float> before = stored(r, "conv", 1);
      std::string message;
      try {
        r.run(pass, settings);
      } catch (const Error &error) {
        CHECK(error.status() == Status::kFailedPrecondition);
        message = error.what();
      }
      CHECK(message ==
            "what it reads in the quantized network is NaN or infinite; leave the operator before it in float (node "
            "'conv', Conv)");
      CHECK(stored(r, "conv", 1) == before);
    }
  }
}

TEST_CASE("corrections say what they lack") {
  PassRunner r(network().model, kPlatform);
  for (const char *pass : {"assign-configs", "parameter-quantize", "runtime-calibration"}) r.run(pass);
  expect_error(Status::kFailedPrecondition, {"cannot run the model"}, [&] { r.run("round-tuning"); });
  PassRunner fed = prepared();
  expect_error(Status::kInvalidArgument, {"named 'relu'"}, [&] { fed.run("seq-mse", "{layers: [relu]}"); });
}

}  // namespace
}  // namespace halftone::test
