// Whole networks against PyTorch: loss, gradients of all parameters, and parameters after some steps of each optimizer.
// tests/acceptance/networks/make_fixtures.py makes what this reads.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

#include "core/model/onnx_io.h"
#include "tests/train/rig.h"

namespace halftone::test {
namespace {

using Json = nlohmann::json;
using model::Handle;

constexpr int kSteps = 5;

Floats floats_of(const Json &json) {
  return {json.at("shape").get<std::vector<std::int64_t>>(), json.at("data").get<std::vector<float>>()};
}

ht_optimizer optimizer_of(const std::string &name) {
  ht_optimizer o{};
  o.struct_size = sizeof(o);
  if (name == "sgd") {
    o.kind = HT_OPTIMIZER_SGD;
    o.momentum = 0.9F;
  } else {
    o.kind = HT_OPTIMIZER_ADAM;
    o.beta1 = 0.9F, o.beta2 = 0.999F, o.epsilon = 1e-4F;
  }
  return o;
}

// A network with its fixture.
struct Case {
  explicit Case(const std::string &name) {
    const std::string base = std::string(HALFTONE_SOURCE) + "/tests/acceptance/networks/" + name;
    std::ifstream in(base + ".json");
    json = Json::parse(in);
    working.model = model::import_onnx(base + ".onnx").model;
    const model::Graph &graph = working.model.graph(working.model.main_graph());
    for (const auto &[parameter, gradient] : json.at("gradients").items()) {
      for (const Handle value : graph.values) {
        if (working.model.value(value).name == parameter) parameters[parameter] = value;
      }
      REQUIRE_MESSAGE(parameters.contains(parameter), parameter, " is not in the file");
    }
    kind = json.at("kind").get<std::string>();
    input = floats_of(json.at("input"));
    if (kind == "cross-entropy") {
      labels.data = json.at("target").get<std::vector<std::int64_t>>();
    } else {
      target = floats_of(json.at("target"));
    }
  }

  TrainRequest request(const std::string &optimizer, std::uint32_t shards) const {
    TrainRequest request;
    for (const auto &[name, handle] : parameters) request.weights.push_back(handle);
    const std::uint32_t loss = kind == "mse"             ? HT_LOSS_MSE
                               : kind == "cross-entropy" ? HT_LOSS_CROSS_ENTROPY
                                                         : HT_LOSS_KL;
    request.losses = {loss_of(loss, working.model.graph(working.model.main_graph()).outputs.front())};
    request.optimizers.assign(HT_LEARNED_KINDS, optimizer_of(optimizer));
    request.threads = 2;
    request.shards = shards;
    return request;
  }

  double accumulate(TrainRig &rig) const {
    return (kind == "cross-entropy" ? rig.accumulate_labels({input}, labels) : rig.accumulate({input}, {target})).loss;
  }
  double evaluate(TrainRig &rig) const {
    if (kind == "cross-entropy") return rig.evaluate_labels({input}, labels);
    ht_train_result result{};
    rig.evaluate({input}, {target}, &result);
    return result.loss;
  }

  Json json;
  host::WorkingModel working;
  std::map<std::string, Handle> parameters;
  std::string kind;
  Floats input, target;
  Labels labels;
};

void check_gradients(Case &net, std::uint32_t shards) {
  TrainRig rig(net.working, net.request("sgd", shards));
  CHECK(net.accumulate(rig) == doctest::Approx(net.json.at("loss").get<double>()).epsilon(2e-6));
  double largest = 0;
  for (const auto &[name, want] : net.json.at("gradients").items()) {
    for (const double g : want.get<std::vector<double>>()) largest = std::max(largest, std::fabs(g));
  }
  for (const auto &[name, handle] : net.parameters) {
    const std::vector<float> got = rig.gradient(HT_LEARNED_WEIGHT, handle);
    const auto want = net.json.at("gradients").at(name).get<std::vector<float>>();
    REQUIRE(got.size() == want.size());
    double size = 0, error = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      size = std::max(size, std::fabs(double{want[i]}));
      error = std::max(error, std::fabs(double{got[i]} - double{want[i]}));
    }
    // What a sum cancels to nothing has the rounding of its terms.
    CHECK_MESSAGE(error <= 1e-5 * size + 1e-7 * largest, name, ": off by ", error, " of ", size);
  }
}

void check_steps(Case &net, const std::string &optimizer, float rate) {
  const Json &want = net.json.at(optimizer);
  TrainRig rig(net.working, net.request(optimizer, 0));
  for (int step = 0; step < kSteps; ++step) {
    net.accumulate(rig);
    rig.update(rate);
  }
  CHECK(net.evaluate(rig) == doctest::Approx(want.at("loss").get<double>()).epsilon(1e-4));
  for (const auto &[name, handle] : net.parameters) {
    const std::vector<float> got = rig.read(HT_LEARNED_WEIGHT, handle);
    const double off = distance(got, want.at("parameters").at(name).get<std::vector<float>>());
    CHECK_MESSAGE(off <= 1e-5, optimizer, ", ", name, ": off by ", off);
  }
}

TEST_CASE("whole networks have PyTorch's losses and gradients, and go the same way") {
  for (const char *name : {"residual", "mobile", "encoder", "decoder", "tokens"}) {
    CAPTURE(name);
    Case net(name);
    for (const std::uint32_t shards : {1U, 0U}) check_gradients(net, shards);
    check_steps(net, "sgd", 0.05F);
    check_steps(net, "adam", 0.01F);
  }
}

}  // namespace
}  // namespace halftone::test
