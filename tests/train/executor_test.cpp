// evaluate() of the trainer gives what an executor in simulated mode gives.
#include <doctest/doctest.h>

#include "tests/train/rig.h"

namespace halftone::test {
namespace {

// Quantized for a platform, weights not baked, so that they can be learned.
std::string pipeline_of(const std::string &folder, const std::string &platform) {
  return "halftone: 1\nmodel: " + folder + "/model.onnx\nplatform: " + platform +
         "\ncalibration:\n  path: " + data_file(folder + "/calib/x.npy") + "\n  preprocess: " + folder +
         "/meta.json\n  limit: 16\n" +
         "passes: [fold-batch-norm, quantize-fusion, quantize-simplify, parameter-quantize, runtime-calibration, "
         "quant-alignment]\n";
}

void compare(const std::string &folder, const std::string &platform, const std::vector<std::int64_t> &shape,
             bool simulated, double tolerance) {
  host::WorkingModel working = run_pipeline(pipeline_of(folder, platform));
  if (!simulated) working.configs = {};
  const model::Model &m = working.model;
  const std::vector<model::Handle> outputs = m.graph(m.main_graph()).outputs;
  const Floats input = noise(shape, 7);
  const auto want = execute(working, "reference", simulated, input, outputs);
  TrainRig rig(working, {});
  const auto got = rig.evaluate({input});
  for (const model::Handle output : outputs) {
    REQUIRE(got.contains(output));
    CHECK(got.at(output).shape == want.at(output).shape);
    const double off = distance(got.at(output).data, want.at(output).data);
    INFO(folder, ": ", off);
    CHECK(off <= tolerance);
  }
}

TEST_CASE("the trainer computes the example as the reference executor does") {
  const std::string folder = std::string(HALFTONE_SOURCE) + "/examples/glyphs";
  compare(folder, "onnxruntime-int8", {5, 3, 32, 32}, false, 1e-4);
  compare(folder, "onnxruntime-int8", {5, 3, 32, 32}, true, 2e-2);
}

TEST_CASE("the trainer computes real models as the reference executor does") {
  const auto models = shared_models();
  if (!models) {
    MESSAGE("HALFTONE_SHARED names no folder with models: only the example is compared");
    return;
  }
  for (const bool simulated : {false, true}) {
    const double tolerance = simulated ? 5e-2 : 1e-4;
    compare(*models + "/resnet20-cifar10", "tensorrt-int8", {9, 3, 32, 32}, simulated, tolerance);
    compare(*models + "/mobilenetv2-cifar10", "onnxruntime-int8", {3, 3, 32, 32}, simulated, tolerance);
    compare(*models + "/vit-tiny-cifar10", "onnxruntime-int8", {3, 3, 32, 32}, simulated, tolerance);
  }
}

}  // namespace
}  // namespace halftone::test
