// Scales and roundings learned on a whole network: losses fall, threads do not matter, and the model takes what was
// read.
#include <doctest/doctest.h>

#include "tests/train/rig.h"

namespace halftone::test {
namespace {

host::WorkingModel quantized_example() {
  const std::string folder = std::string(HALFTONE_SOURCE) + "/examples/glyphs";
  return run_pipeline("halftone: 1\nmodel: " + folder + "/model.onnx\nplatform: tensorrt-int8\ncalibration:\n  path: " +
                      folder + "/calib/x.npy\n  preprocess: " + folder + "/meta.json\n  limit: 16\n" +
                      "passes: [fold-batch-norm, quantize-fusion, quantize-simplify, parameter-quantize, "
                      "runtime-calibration, quant-alignment]\n");
}

ht_str text(const std::string &s) {
  return {s.data(), s.size()};
}

// A method for all live configs with a scale of their own, of weights or of activations.
void name_all(const host::WorkingModel &working, bool weights, const std::string &method, std::uint32_t learns,
              TrainRequest &request) {
  for (const model::Handle config : working.configs.all()) {
    const quant::Config &c = working.configs.get(config);
    const bool live = c.state == quant::State::kActivated && c.dominator == HT_NONE && c.master == HT_NONE;
    if (!live || c.spec.bits > 8) continue;
    const model::Node &node = working.model.node(c.key.node);
    const bool is_weight = !c.key.is_output && working.model.value(node.inputs[c.key.slot]).initializer;
    if (is_weight != weights) continue;
    ht_train_quantizer q{};
    q.struct_size = sizeof(q);
    q.config = config;
    q.learns = learns;
    q.method = text(method);
    request.quantizers.push_back(q);
  }
}

TEST_CASE("learned step sizes bring the network nearer to the float one, by the same bytes on any number of threads") {
  const std::string lsq = "lsq", qdrop = "qdrop";
  std::vector<std::vector<std::byte>> saved;
  for (const std::uint32_t threads : {1U, 2U}) {
    host::WorkingModel working = quantized_example();
    const model::Handle output = working.model.graph(working.model.main_graph()).outputs.front();
    const Floats input = noise({16, 3, 32, 32}, 5);
    const Floats target = execute(working, "reference", false, input, {output}).at(output);
    TrainRequest request;
    request.threads = threads;
    request.weights = weights_of(working.model, true);
    name_all(working, true, lsq, 1U << HT_LEARNED_SCALE, request);
    name_all(working, false, qdrop, 1U << HT_LEARNED_SCALE, request);
    REQUIRE(request.quantizers.size() > 10);
    request.losses = {loss_of(HT_LOSS_MSE, output)};
    TrainRig rig(working, request);
    ht_train_result before{}, after{};
    rig.evaluate({input}, {target}, &before);
    for (std::uint64_t step = 0; step < 60; ++step) {
      rig.accumulate({input}, {target}, step);
      rig.update(2e-4F);
    }
    rig.evaluate({input}, {target}, &after);
    INFO("loss ", before.loss, " before and ", after.loss, " after");
    CHECK(after.loss < 0.8 * before.loss);
    saved.push_back(rig.save());
  }
  CHECK(saved[0] == saved[1]);
}

TEST_CASE("what adaround learned is read as a weight that the plain config rounds to the same") {
  const std::string adaround = "adaround";
  host::WorkingModel working = quantized_example();
  const model::Handle output = working.model.graph(working.model.main_graph()).outputs.front();
  const Floats input = noise({16, 3, 32, 32}, 5);
  const Floats target = execute(working, "reference", false, input, {output}).at(output);
  TrainRequest request;
  name_all(working, true, adaround, 1U << HT_LEARNED_ROUNDING, request);
  request.losses = {loss_of(HT_LOSS_MSE, output)};
  TrainRig rig(working, request);
  for (std::uint64_t step = 0; step < 20; ++step) {
    rig.accumulate({input}, {target}, step);
    rig.update(1e-2F);
  }
  const auto learned = rig.evaluate({input}).at(output);
  std::size_t changed = 0;
  for (const ht_train_quantizer &q : request.quantizers) {
    const quant::SlotKey slot = working.configs.get(q.config).key;
    const model::Handle weight = working.model.node(slot.node).inputs[slot.slot];
    const std::vector<float> values = rig.read(HT_LEARNED_WEIGHT, weight);
    const auto stored = working.model.value(weight).initializer->floats();
    for (std::size_t i = 0; i < values.size(); ++i) changed += values[i] != stored[i] ? 1 : 0;
    working.model.set_initializer(weight,
                                  model::Tensor::from_floats(working.model.value(weight).initializer->shape(), values));
  }
  CHECK(changed > 0);
  TrainRig plain(working, {});
  CHECK(distance(plain.evaluate({input}).at(output).data, learned.data) < 1e-4);
}

}  // namespace
}  // namespace halftone::test
