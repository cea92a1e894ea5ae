// Blocks of real networks: residual, depthwise, with fire modules, and a transformer.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/model/onnx_io.h"
#include "passes/training/data_plan.h"
#include "tests/unit/passes/sdk_bench.h"

namespace halftone::test {
namespace {

// What counts as a layer before any config is there.
class Layers final : public passes::FlowQuestions {
 public:
  explicit Layers(const sdk::Graph &graph) : graph_(graph) {}
  bool learns(const sdk::Node &node) const override {
    const bool product = node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul");
    return product && graph_.initializer(node.input(1)).has_value();
  }
  bool can_train(const sdk::Node &) const override { return true; }

 private:
  const sdk::Graph &graph_;
};

struct Cut {
  std::size_t layers = 0, held = 0, blocks = 0, single = 0, most_entries = 0;
};

Cut cut(const std::filesystem::path &path, unsigned size) {
  GraphMaker maker;
  maker.model = model::import_onnx(path, {}).model;
  maker.graph = maker.model.main_graph();
  const Bench bench(std::move(maker));
  const passes::FlowGraph flow = passes::read_flow(bench.graph, Layers(bench.graph));
  const std::vector<passes::Block> blocks = passes::find_blocks(flow, {size, 12});
  Cut cut;
  for (const passes::FlowNode &node : flow.nodes) cut.layers += node.learns ? 1 : 0;
  for (const passes::Block &block : blocks) {
    for (const std::size_t n : block.nodes) cut.held += flow.nodes[n].learns ? 1 : 0;
    cut.single += block.entries.size() == 1 ? 1 : 0;
    cut.most_entries = std::max(cut.most_entries, block.entries.size());
  }
  cut.blocks = blocks.size();
  const passes::DataPlan plan = passes::plan_data(flow, blocks);
  std::vector<bool> computed(flow.nodes.size(), false);
  for (const passes::DataStep &step : plan.steps) {
    for (const std::size_t n : step.nodes) {
      CHECK_FALSE(computed[n]);
      computed[n] = true;
    }
  }
  return cut;
}

std::filesystem::path models() {
  const char *shared = std::getenv("HALFTONE_SHARED");
  if (shared == nullptr) MESSAGE("HALFTONE_SHARED is not set: no model is looked at");
  return shared == nullptr ? std::filesystem::path() : std::filesystem::path(shared) / "models";
}

TEST_CASE("resnet20: the stem, nine residual blocks with one input each, and the classifier") {
  if (models().empty()) return;
  const Cut found = cut(models() / "resnet20-cifar10" / "model.onnx", 4);
  CHECK(found.blocks == 11);
  CHECK(found.single == 11);
  CHECK(found.held == found.layers);
}

TEST_CASE("every layer of every model is in a block, whatever the network's shape") {
  if (models().empty()) return;
  std::size_t looked_at = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(models())) {
    if (entry.path().extension() != ".onnx") continue;
    INFO(entry.path().string());
    for (const unsigned size : {0U, 4U, 8U}) {
      const Cut found = cut(entry.path(), size);
      CHECK(found.held == found.layers);
      CHECK(found.blocks <= found.layers);
      if (size == 4 && found.blocks > 0) {
        MESSAGE(entry.path().parent_path().filename().string(), "/", entry.path().filename().string(), ": ",
                found.layers, " layers in ", found.blocks, " blocks, ", found.single,
                " with one input, the others up to ", found.most_entries);
      }
    }
    ++looked_at;
  }
  MESSAGE("looked at ", looked_at, " models");
}

}  // namespace
}  // namespace halftone::test
