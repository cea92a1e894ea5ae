// The note that folding a BatchNormalization leaves for training.
#include <doctest/doctest.h>

#include <cmath>

#include "halftone/folded_norm.hpp"
#include "tests/unit/passes/pass_runner.h"
#include "tests/unit/passes/sdk_bench.h"

namespace halftone::test {
namespace {

using model::Tensor;

const std::vector<float> kBeta = {0.3F, -0.1F, 0.7F, 1e-9F}, kMean = {1, -2, 1.0F / 3, 40},
                         kVariance = {0.1F, 2, 1e-8F, 5};

std::vector<float> steps(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = 0.37F + 0.113F * static_cast<float>(i * 7 % 13);
  return values;
}

// A layer of four output channels with its normalization, folded; the SDK over it.
Bench folded(const char *op, const model::Shape &shape, const std::vector<float> &gamma, std::int64_t groups = 1) {
  GraphMaker g;
  if (shape.size() == 2) {
    g.input("x", {1, shape[0]});
  } else {
    g.input("x", {1, 4, 5, 5});
  }
  g.constant("w", Tensor::from_floats(shape, steps(static_cast<std::size_t>(model::element_count(shape)))));
  g.constant("b", Tensor::from_floats({4}, std::vector<float>{1, 2, 3, 4}));
  g.constant("gamma", Tensor::from_floats({4}, gamma));
  g.constant("beta", Tensor::from_floats({4}, kBeta));
  g.constant("mean", Tensor::from_floats({4}, kMean));
  g.constant("variance", Tensor::from_floats({4}, kVariance));
  const model::Handle layer = g.node(op, {"x", "w", "b"}, {"t"}, "layer");
  if (groups != 1) g.model.set_attribute(layer, "group", model::Attribute{groups});
  const model::Handle norm = g.node("BatchNormalization", {"t", "gamma", "beta", "mean", "variance"}, {"y"}, "norm");
  g.model.set_attribute(norm, "epsilon", model::Attribute{1e-3F});
  g.model.set_attribute(norm, "momentum", model::Attribute{0.8F});
  g.output("y");
  PassRunner runner(std::move(g.model));
  runner.run("fold-batch-norm");
  GraphMaker after;
  after.model = std::move(runner.working.model);
  after.graph = after.model.main_graph();
  return Bench(std::move(after));
}

void store(Bench &b, std::uint32_t slot, float factor) {
  auto tensor = sdk::read_tensor(b.graph, b.graph.node(b.node("layer")).input(slot));
  REQUIRE(tensor);
  tensor->data[1] *= static_cast<double>(factor);
  sdk::store_tensor(b.graph, b.edit, b.node("layer"), slot, "changed", *tensor);
}

TEST_CASE("a folded normalization is noted, exactly, until weight or bias change") {
  const std::vector<float> gamma = {1.5F, -0.25F, 1.0F / 3, 1e-12F};
  Bench b = folded("Conv", {4, 4, 2, 2}, gamma);
  const auto norm = sdk::noted_fold(b.graph, b.node("layer"));
  REQUIRE(norm);
  CHECK(norm->gamma == gamma);
  CHECK(norm->beta == kBeta);
  CHECK(norm->mean == kMean);
  CHECK(norm->variance == kVariance);
  CHECK(norm->epsilon == 1e-3F);
  CHECK(norm->momentum == 0.8F);
  CHECK(norm->weight.empty());  // every channel can be divided out
  const ht_train_fold fold = sdk::train_fold(b.node("layer"), *norm, true);
  CHECK(fold.struct_size == sizeof(ht_train_fold));
  CHECK(fold.channels == 4);
  CHECK(fold.batch_statistics == 1);
  CHECK(fold.weight == nullptr);
  CHECK(fold.variance == norm->variance.data());
  for (const std::uint32_t slot : {1U, 2U}) {
    store(b, slot, 2);
    CHECK_FALSE(sdk::noted_fold(b.graph, b.node("layer")));
    store(b, slot, 0.5F);  // as it was
    CHECK(sdk::noted_fold(b.graph, b.node("layer")));
  }
}

TEST_CASE("weights that folding loses are noted too") {
  const std::vector<float> gamma = {1.5F, 0, 0.5F, -1e-25F};
  struct Layer {
    const char *op;
    model::Shape shape;
    std::int64_t groups;
    std::size_t (*channel)(std::size_t element);
  };
  const std::vector<Layer> layers = {
      {"Conv", {4, 4, 2, 2}, 1, [](std::size_t i) { return i / 16; }},
      {"Conv", {4, 2, 2, 2}, 2, [](std::size_t i) { return i / 8; }},
      {"ConvTranspose", {4, 2, 2, 2}, 2, [](std::size_t i) { return i / 16 * 2 + i / 4 % 2; }},
      {"Gemm", {6, 4}, 1, [](std::size_t i) { return i % 4; }},
  };
  for (const Layer &layer : layers) {
    INFO(layer.op);
    Bench b = folded(layer.op, layer.shape, gamma, layer.groups);
    const auto norm = sdk::noted_fold(b.graph, b.node("layer"));
    REQUIRE(norm);
    const std::vector<float> before = steps(norm->weight.size());
    REQUIRE(norm->weight.size() == static_cast<std::size_t>(model::element_count(layer.shape)));
    CHECK(sdk::train_fold(b.node("layer"), *norm, false).weight == norm->weight.data());
    for (std::size_t i = 0; i < before.size(); ++i) {
      const bool lost = layer.channel(i) % 2 == 1;
      CHECK(std::fabs(norm->weight[i] - before[i]) <= (lost ? 0.0F : 2e-7F * before[i]));
    }
  }
}

TEST_CASE("a pass may leave the note itself, and one that is cut off is not believed") {
  Bench b = folded("Conv", {4, 4, 2, 2}, {1, 2, 3, 4});
  sdk::FoldedNorm norm = *sdk::noted_fold(b.graph, b.node("layer"));
  norm.mean[2] = -7;
  store(b, 1, 3);
  note_fold(b.graph, b.edit, b.node("layer"), norm);
  REQUIRE(sdk::noted_fold(b.graph, b.node("layer")));
  CHECK(sdk::noted_fold(b.graph, b.node("layer"))->mean == norm.mean);
  const std::string key = HT_NOTE_PREFIX "folded-norm/y";
  const std::string text = *b.graph.metadata(key);
  for (const std::size_t cut : {text.size() - 1, text.size() - 5, std::size_t{4}, std::size_t{0}}) {
    b.edit.set_metadata(key, text.substr(0, cut));
    CHECK_FALSE(sdk::noted_fold(b.graph, b.node("layer")));
  }
  b.edit.set_metadata(key, text + "1 ");
  CHECK_FALSE(sdk::noted_fold(b.graph, b.node("layer")));
}

}  // namespace
}  // namespace halftone::test
