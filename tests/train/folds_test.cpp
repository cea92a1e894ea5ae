// Normalizations in the trainer against PyTorch, against the deployed form, and the same bytes however it is computed.
#include <doctest/doctest.h>

#include <cmath>

#include "core/base/error.h"
#include "tests/train/fold_case.h"

namespace halftone::test {
namespace {

using model::Handle;

// What PyTorch's float64 gives; ours sums in float32 between two meetings.
constexpr double kSame = 2e-5;

bool is_layer(const FoldCase &c) {
  return c.op != "Gather" && c.op != "BatchNormalization";
}
bool loses_weights(const FoldCase &c) {
  return c.name.find("gamma") != std::string::npos;
}

// Of gamma and the like: parts of a fold, initializers of a node of its own.
std::vector<float> read_part(TrainRig &rig, const FoldNet &net, std::uint32_t kind, std::uint32_t part) {
  if (is_layer(net.known)) return rig.read(kind, net.layer, part);
  return rig.read(kind, net.net.working.model.node(net.layer).inputs[part]);
}

// Of what is learned, by the names that the fixture has; nothing where the case has none.
std::vector<float> gradient(TrainRig &rig, const FoldNet &net, const std::string &name) {
  const bool layer = is_layer(net.known);
  if (name == "before") return rig.gradient(HT_LEARNED_WEIGHT, net.before);
  if (name == "gamma") {
    return layer ? rig.gradient(HT_LEARNED_WEIGHT, net.layer, HT_FOLD_GAMMA)
                 : rig.gradient(HT_LEARNED_WEIGHT, net.weight);
  }
  if (name == "beta") {
    return layer ? rig.gradient(HT_LEARNED_WEIGHT, net.layer, HT_FOLD_BETA) : rig.gradient(HT_LEARNED_WEIGHT, net.bias);
  }
  return rig.gradient(HT_LEARNED_WEIGHT, name == "weight" ? net.weight : net.bias);
}

void compare(const FoldCase &known, std::uint32_t shards, bool whole_weight) {
  INFO(known.name, ", ", shards, " shards");
  FoldNet net(known);
  TrainRequest request = net.request(whole_weight);
  request.shards = shards;
  TrainRig rig(net.net.working, request);
  const Floats &data = known.tensors.at("data");
  CHECK(distance(rig.evaluate({data}, {}, nullptr, true).at(net.output).data, known.output.data) < kSame);
  double loss = 0;
  for (std::size_t i = 0; i < known.output.data.size(); ++i) {
    loss += std::pow(double{known.output.data[i]} - double{known.target.data[i]}, 2.0);
  }
  const ht_train_result result = rig.accumulate({data}, {known.target});
  CHECK(result.loss == doctest::Approx(loss / static_cast<double>(known.output.data.size())).epsilon(1e-5));
  for (const auto &[name, want] : known.gradients) {
    INFO(name);
    const std::vector<float> got = gradient(rig, net, name);
    double largest = 0;
    for (const float each : want) largest = std::max(largest, std::fabs(double{each}));
    if (largest > 1e-9) {
      CHECK(distance(got, want) < kSame);
    } else {
      for (const float each : got) CHECK(std::fabs(each) < 1e-7F);
    }
  }
  for (const auto &[name, after] : known.after) {
    INFO(name);
    std::vector<float> want = after;
    // The bias of a channel that folding lost is taken to be its mean: it cancels while the batch is normalized by.
    for (std::size_t c = 0; c < want.size() && is_layer(known) && name == "mean"; ++c) {
      const float unknown = known.tensors.at("mean").data[c] - known.tensors.at("bias").data[c];
      if (std::fabs(known.tensors.at("gamma").data[c]) < 1e-20F) want[c] += (1 - kFoldMomentum) * unknown;
    }
    CHECK(distance(read_part(rig, net, HT_LEARNED_STATISTICS, name == "mean" ? HT_FOLD_MEAN : HT_FOLD_VARIANCE), want) <
          kSame);
  }
}

TEST_CASE("layers with a folded normalization are computed and differentiated as by PyTorch") {
  std::size_t modules = 0;
  for (const FoldCase &known : fold_cases()) {
    modules += known.oracle == "module" ? 1 : 0;
    for (const std::uint32_t shards : {1U, 2U, 8U}) {
      compare(known, shards, true);
      if (!loses_weights(known)) compare(known, shards, false);
    }
  }
  CHECK(modules >= 12);
}

void store(model::Model &m, Handle value, const std::vector<float> &values) {
  m.set_initializer(value, model::Tensor::from_floats(m.value(value).initializer->shape(), values));
}

TEST_CASE("what was trained is deployed: the model with weight and bias that were read computes the same") {
  for (const FoldCase &known : fold_cases()) {
    INFO(known.name);
    FoldNet net(known);
    model::Model &m = net.net.working.model;
    TrainRig rig(net.net.working, net.request(true));
    const Floats &data = known.tensors.at("data");
    for (std::uint64_t step = 0; step < 5; ++step) {
      rig.accumulate({data}, {known.target}, step);
      rig.update(5e-3F);
    }
    const std::vector<float> trained = rig.evaluate({data}).at(net.output).data;
    CHECK(distance(trained, known.output.data) > 1e-3);
    for (const Handle each : net.request(true).weights) store(m, each, rig.read(HT_LEARNED_WEIGHT, each));
    if (known.op == "BatchNormalization") {
      for (const std::size_t slot : {3, 4}) {
        const Handle each = m.node(net.layer).inputs[slot];
        store(m, each, rig.read(HT_LEARNED_STATISTICS, each));
      }
    }
    const auto deployed = execute(net.net.working, "reference", true, data, {net.output});
    CHECK(distance(trained, deployed.at(net.output).data) < 1e-5);
  }
}

TEST_CASE("a session that has learned nothing gives back what the model stores, and computes it") {
  for (const FoldCase &known : fold_cases()) {
    if (!is_layer(known)) continue;
    for (const bool whole : {true, false}) {
      INFO(known.name);
      FoldNet net(known);
      const model::Model &m = net.net.working.model;
      const Floats &data = known.tensors.at("data");
      const auto want = execute(net.net.working, "reference", true, data, {net.output});
      TrainRig rig(net.net.working, net.request(whole));
      CHECK(distance(rig.evaluate({data}).at(net.output).data, want.at(net.output).data) < 1e-5);
      for (const Handle each : {net.weight, net.bias}) {
        const auto stored = m.value(each).initializer->floats();
        const std::vector<float> read = rig.read(HT_LEARNED_WEIGHT, each);
        REQUIRE(read.size() == stored.size());
        for (std::size_t i = 0; i < read.size(); ++i) {
          CHECK(std::fabs(read[i] - stored[i]) <=
                3e-7F * std::max(std::fabs(stored[i]), each == net.bias ? 1.0F : 0.0F));
        }
      }
    }
  }
}

}  // namespace
}  // namespace halftone::test
