// Sessions that are fed inner values: the rest of a model, run from stored values, gives what the whole model gives.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "core/model/onnx_io.h"
#include "tests/agree/net.h"

namespace halftone::test {
namespace {

using model::Handle;

// What the nodes behind a cut need of those before it and of the graph's inputs.
std::vector<Handle> crossing(const model::Model &m, std::size_t cut) {
  const std::vector<Handle> order = m.topological_order(m.main_graph());
  std::set<Handle> made, wanted;
  for (std::size_t i = cut; i < order.size(); ++i) {
    for (const Handle v : m.node(order[i]).inputs) {
      if (v != HT_NONE && !m.value(v).initializer && !made.contains(v)) wanted.insert(v);
    }
    made.insert(m.node(order[i]).outputs.begin(), m.node(order[i]).outputs.end());
  }
  for (const Handle v : m.graph(m.main_graph()).outputs) {
    if (!made.contains(v) && !m.value(v).initializer) wanted.insert(v);
  }
  return {wanted.begin(), wanted.end()};
}

struct Whole {
  Emitted values;  // everything that a cut can need, and the outputs
};

Whole run_whole(host::WorkingModel &working, const RunRequest &request, const std::vector<model::Tensor> &sample) {
  const model::Model &m = working.model;
  RunRequest all = request;
  all.emits = made_values(m);
  Whole whole{Runner(working, all).run(sample)};
  std::size_t next = 0;
  for (const Handle input : m.graph(m.main_graph()).inputs) {
    if (!m.value(input).initializer) whole.values[input] = sample[next++];
  }
  return whole;
}

// The part behind the cut from the whole run's values; what differs at the outputs, or nothing.
std::string from_cut(host::WorkingModel &working, RunRequest request, const Whole &whole, std::size_t cut,
                     const Tolerance &tolerance) {
  const model::Model &m = working.model;
  request.feeds = crossing(m, cut);
  std::vector<model::Tensor> inputs;
  for (const Handle v : *request.feeds) inputs.push_back(whole.values.at(v));
  const Emitted got = Runner(working, request).run(inputs);
  for (const Handle v : m.graph(m.main_graph()).outputs) {
    if (!got.contains(v)) return fmt::format("output '{}' is not handed over", m.value(v).name);
    const std::string what = difference(got.at(v), whole.values.at(v), tolerance);
    if (!what.empty()) return fmt::format("cut at {}: '{}': {}", cut, m.value(v).name, what);
  }
  return {};
}

constexpr Tolerance kBits{-1, 0};  // nothing but equal bits is near enough

void cut_everywhere(Net &net, host::Mode mode, const std::string &executor, const Tolerance &tolerance,
                    const std::string &what) {
  const RunRequest request{.executor = executor, .mode = mode};
  const Whole whole = run_whole(net.working, request, net.sample(31));
  const std::size_t nodes = net.working.model.graph(net.working.model.main_graph()).nodes.size();
  for (std::size_t cut = 0; cut <= nodes; ++cut) {
    const std::string problem = from_cut(net.working, request, whole, cut, tolerance);
    CHECK_MESSAGE(problem.empty(), what, " ", executor, ": ", problem);
  }
}

model::Tensor random_input(const model::Value &input, std::uint64_t seed) {
  model::Shape shape;
  for (const model::Dim &dim : input.type.dims) shape.push_back(dim.extent < 0 ? 1 : dim.extent);
  return random_tensor(std::move(shape), seed);
}

void cut_model(const std::string &file, const std::string &executor, const Tolerance &tolerance) {
  const char *shared = std::getenv("HALFTONE_SHARED");
  if (shared == nullptr) {
    MESSAGE("HALFTONE_SHARED is not set: no real models");
    return;
  }
  host::WorkingModel working;
  working.model = model::import_onnx(std::filesystem::path(shared) / "models" / file).model;
  const model::Model &m = working.model;
  std::vector<model::Tensor> sample;
  for (const Handle input : m.graph(m.main_graph()).inputs) {
    if (!m.value(input).initializer) sample.push_back(random_input(m.value(input), 7));
  }
  const RunRequest request{.executor = executor};
  const Whole whole = run_whole(working, request, sample);
  std::mt19937 random(11);
  for (int i = 0; i < 4; ++i) {
    const std::size_t cut = random() % m.graph(m.main_graph()).nodes.size();
    const std::string problem = from_cut(working, request, whole, cut, tolerance);
    CHECK_MESSAGE(problem.empty(), file, " ", executor, ": ", problem);
  }
}

}  // namespace

TEST_CASE("random graphs give the same from any cut on: plain kernels bit for bit") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Net net = random_net(seed);
    cut_everywhere(net, host::Mode::kFloat, "reference", kBits, fmt::format("net {}", seed));
    quantize(net, seed);
    cut_everywhere(net, host::Mode::kSimulated, "reference", kBits, fmt::format("net {}", seed));
  }
}

TEST_CASE("random graphs give the same from any cut on: fused primitives within rounding") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Net net = random_net(seed);
    cut_everywhere(net, host::Mode::kFloat, "onednn", {}, fmt::format("net {}", seed));
    quantize(net, seed);
    cut_everywhere(net, host::Mode::kSimulated, "onednn", {0.08, 0.1}, fmt::format("net {}", seed));
  }
}

TEST_CASE("real models give the same from random cuts on") {
  for (const char *file : {"mnist-cntk/model.onnx", "resnet20-cifar10/model_bn_unfused.onnx"})
    cut_model(file, "reference", kBits);
  for (const char *file : {"mnist-cntk/model.onnx", "resnet20-cifar10/model_bn_unfused.onnx",
                           "squeezenet-imagenet/model.onnx", "vit-tiny-cifar10/model.onnx"})
    cut_model(file, "onednn", {});
}

TEST_CASE("a value that is fed and asked for is handed over as it was fed, whoever else would make it") {
  for (const char *executor : {"reference", "onednn"}) {
    Net net(9);
    const Handle x = net.input({1, 4, 6, 6});
    const Handle halves = net.node("Split", {x}, {Net::integer("axis", 1)});
    model::Model &m = net.working.model;
    const Handle second = m.add_value(m.main_graph(), "second");
    m.set_output(m.value(halves).producer, 1, second);
    const Handle y = net.node("Add", {halves, second});
    net.output(y);
    const model::Tensor fed = random_tensor({1, 2, 6, 6}, 3);
    RunRequest request{.executor = executor, .emits = {halves, second, y}};
    request.feeds = std::vector<Handle>{x, halves};
    const auto sample = net.sample(1);
    const Emitted got = Runner(net.working, request).run({sample[0], fed});
    CHECK(difference(got.at(halves), fed, kBits) == "");
    for (std::size_t i = 0; i < fed.floats().size(); ++i) {
      CHECK(got.at(second).floats()[i] == sample[0].floats()[72 + i]);
      CHECK(got.at(y).floats()[i] == fed.floats()[i] + sample[0].floats()[72 + i]);
    }
  }
}

TEST_CASE("what is neither fed nor made is named, and so is a value that is fed twice") {
  Net net(9);
  const Handle x = net.input({1, 4});
  const Handle y = net.node("Relu", {x});
  net.output(net.node("Add", {y, x}));
  for (const char *executor : {"reference", "onednn"}) {
    RunRequest request{.executor = executor};
    request.feeds = std::vector<Handle>{y};
    const std::string missing =
        fmt::format("value '{}' is needed and neither fed nor made from what is fed", net.working.model.value(x).name);
    CHECK_THROWS_WITH_AS(Runner(net.working, request), missing.c_str(), Error);
    request.feeds = std::vector<Handle>{x, x};
    const std::string twice = fmt::format("value '{}' is fed twice", net.working.model.value(x).name);
    CHECK_THROWS_WITH_AS(Runner(net.working, request), twice.c_str(), Error);
  }
}

TEST_CASE("sessions that are open at once share parameters, and never those of another model") {
  Net net(6);
  const Handle weight = net.weight({32, 16, 3, 3});
  net.output(net.node("Conv", {net.input({1, 16, 7, 7}), weight}));
  const auto sample = net.sample(8);
  std::vector<std::unique_ptr<Runner>> open;  // keeps what they share
  for (std::uint64_t i = 0; i < 24; ++i) {
    // The old tensor goes, so that the new one may lie in its place. Every third time nothing changes.
    if (i % 3 != 0) net.working.model.set_initializer(weight, random_tensor({32, 16, 3, 3}, i));
    const Emitted want = Runner(net.working, {.executor = "reference"}).run(sample);
    open.push_back(std::make_unique<Runner>(net.working, RunRequest{}));
    CHECK(disagreement(net.working.model, open.back()->run(sample), want, {}) == "");
    if (i % 5 == 4) open.erase(open.begin(), open.begin() + 3);
  }
}

}  // namespace halftone::test
