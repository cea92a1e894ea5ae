// Every fake quantizer trains a small network: the loss of what is deployed falls, and the bytes that are learned do
// not depend on threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

#include "core/base/error.h"
#include "tests/train/rig.h"

namespace halftone::test {
namespace {

struct Case {
  const char *platform, *weights, *activations;  // methods
  std::uint32_t weights_learn, activations_learn;
  bool learns_weights;
  float rate, coarser = 12;
  std::int32_t shift = 0;
};

constexpr std::uint32_t kScale = 1U << HT_LEARNED_SCALE, kOffset = 1U << HT_LEARNED_OFFSET;
constexpr std::uint32_t kRounding = 1U << HT_LEARNED_ROUNDING;

host::WorkingModel quantized(const std::string &platform) {
  const std::string folder = std::string(HALFTONE_SOURCE) + "/examples/glyphs";
  return run_pipeline("halftone: 1\nmodel: " + folder + "/model.onnx\nplatform: " + platform +
                      "\ncalibration:\n  path: " + folder + "/calib/x.npy\n  preprocess: " + folder +
                      "/meta.json\n  limit: 16\npasses: [fold-batch-norm, quantize-fusion, quantize-simplify, "
                      "parameter-quantize, runtime-calibration, quant-alignment]\n");
}

// A config that is read at its own slot, and whether it is a weight's.
struct Point {
  model::Handle config;
  bool is_weight, is_symmetric;
};

// Weights of layers and activations with scales of their own, made worse so that there is an error to train away:
// scales become `coarser` times as large, as if there were fewer bits, and zero points are shifted.
std::vector<Point> worse_points(host::WorkingModel &working, const Case &c) {
  std::vector<Point> points;
  for (const model::Handle h : working.configs.all()) {
    const quant::Config &config = working.configs.get(h);
    if (config.state != quant::State::kActivated || working.configs.source(h) != h) continue;
    const model::Node &node = working.model.node(config.key.node);
    const model::Handle value = (config.key.is_output ? node.outputs : node.inputs)[config.key.slot];
    const bool is_weight = working.model.value(value).initializer.has_value();
    if (is_weight && config.key.slot != 1) continue;  // a bias
    std::vector<float> scales = config.scales;
    for (float &scale : scales) scale *= c.coarser;
    std::vector<std::int32_t> zero_points = config.zero_points;
    const bool is_symmetric = config.spec.symmetry == HT_SYMMETRIC;
    for (std::int32_t &zero : zero_points) zero = is_symmetric ? zero : std::min(zero + c.shift, 255);
    points.push_back({h, is_weight, is_symmetric});
    working.configs.set_scales(h, scales, zero_points, {"test", "worse", ""});
  }
  return points;
}

struct Trained {
  double before = 0, after = 0;
  std::vector<std::byte> state;
};

Trained train(const Case &c, std::uint32_t threads) {
  host::WorkingModel working = quantized(c.platform);
  const std::vector<Point> points = worse_points(working, c);
  const model::Handle output = working.model.graph(working.model.main_graph()).outputs[0];
  const Floats input = noise({8, 3, 32, 32}, 3);
  const Floats target = execute(working, "reference", false, input, {output}).at(output);
  TrainRequest request;
  request.threads = threads;
  request.losses = {loss_of(HT_LOSS_MSE, output)};
  if (c.learns_weights) request.weights = weights_of(working.model, false);
  for (const Point &point : points) {
    const std::string_view method = point.is_weight ? c.weights : c.activations;
    ht_train_quantizer q{};
    q.struct_size = sizeof(q);
    q.config = point.config;
    q.method = {method.data(), method.size()};
    q.learns = (point.is_weight ? c.weights_learn : c.activations_learn) & ~(point.is_symmetric ? kOffset : 0U);
    request.quantizers.push_back(q);
  }
  TrainRig rig(working, request);
  Trained trained;
  ht_train_result result{};
  rig.evaluate({input}, {target}, &result);
  trained.before = result.loss;
  for (std::uint64_t step = 0; step < 20; ++step) {
    rig.accumulate({input}, {target}, step);
    rig.update(c.rate);
  }
  rig.evaluate({input}, {target}, &result);
  trained.after = result.loss;
  trained.state = rig.save();
  return trained;
}

TEST_CASE("every method trains the example, with the same bytes on 1 and on 2 threads") {
  const Case cases[] = {
      {"onnxruntime-int8", "fixed", "fixed", 0, 0, true, 1e-3F},
      {"tensorrt-int8", "power-of-two", "power-of-two", 0, 0, true, 1e-3F},
      {"onnxruntime-int8", "lsq", "lsq", kScale, kScale, false, 2e-3F},
      {"onnxruntime-int8", "lsq-plus", "lsq-plus", kScale | kOffset, kScale | kOffset, false, 2e-3F},
      {"onnxruntime-int8", "fixed", "lsq-plus", 0, kOffset, false, 5.0F, 1, 80},
      {"onnxruntime-int8", "fixed", "qdrop", 0, kOffset, false, 5.0F, 1, 80},
      {"onnxruntime-int8", "lsq", "pact", kScale, kScale, true, 1e-3F},
      {"onnxruntime-int8", "dsq", "dsq", kScale, kScale, true, 1e-3F},
      {"tensorrt-int8", "tqt", "tqt", kScale, kScale, true, 1e-3F},
      {"onnxruntime-int8", "dorefa", "fixed", 0, 0, true, 3e-3F},
      {"onnxruntime-int8", "adaround", "fixed", kRounding, 0, false, 5e-2F},
      {"onnxruntime-int8", "adaround", "qdrop", kRounding, kScale, false, 1e-2F},
  };
  for (const Case &c : cases) {
    const Trained one = train(c, 1), two = train(c, 2);
    INFO(std::string(c.platform), ", ", std::string(c.weights), " and ", std::string(c.activations), ": ", one.before,
         " -> ", one.after);
    CHECK(one.after < 0.9 * one.before);
    CHECK(one.state == two.state);
    CHECK(one.after == two.after);
    MESSAGE(std::string(c.weights), " and ", std::string(c.activations), ": ", one.before, " -> ", one.after);
  }
}

TEST_CASE("a start that is given reaches activations, and one from values is refused for them") {
  const auto open = [](const char *method, const char *name, const char *text, double number) {
    host::WorkingModel working = quantized("onnxruntime-int8");
    const std::vector<Point> points = worse_points(working, {"", "", "", 0, 0, false, 0, 1});
    const auto point = std::ranges::find_if(points, [](const Point &p) { return !p.is_weight; });
    const ht_str view{text, std::string_view(text).size()};
    ht_field field{};
    field.name = {name, std::string_view(name).size()};
    field.value = number != 0 ? ht_value{HT_VALUE_F64, 1, &number, {0, 0}} : ht_value{HT_VALUE_STR, 1, &view, {0, 0}};
    ht_train_quantizer q{};
    q.struct_size = sizeof(q);
    q.config = point->config;
    q.method = {method, std::string_view(method).size()};
    q.learns = kScale;
    q.parameters = &field;
    q.parameter_count = 1;
    TrainRequest request;
    request.losses = {loss_of(HT_LOSS_MSE, working.model.graph(working.model.main_graph()).outputs[0])};
    request.quantizers = {q};
    TrainRig rig(working, request);
    const quant::Config &config = working.configs.get(point->config);
    const auto codes = static_cast<double>(config.spec.quant_max - config.zero_points[0]);
    return double{rig.read(HT_LEARNED_SCALE, point->config)[0]} * codes;
  };
  CHECK(open("pact", "alpha", "", 6) == doctest::Approx(6.0));
  CHECK(open("pact", "alpha", "", 3) == doctest::Approx(3.0));
  CHECK_THROWS_AS(open("lsq", "initial", "mean", 0), Error);
}

}  // namespace
}  // namespace halftone::test
