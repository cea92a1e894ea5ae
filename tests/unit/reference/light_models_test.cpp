// ONNX's light models, whose weights are constants, give the published outputs on an input of ones. Their files are not
// in Debian's package: $HALFTONE_SHARED/models/light-onnx has them.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "core/model/onnx_io.h"
#include "tests/unit/reference/model_runner.h"

namespace halftone::test {
namespace {

namespace fs = std::filesystem;

void check_model(const fs::path &file, const std::string &executor) {
  host::WorkingModel working;
  working.model = model::import_onnx(file).model;
  const model::Graph &graph = working.model.graph(working.model.main_graph());
  std::vector<model::Tensor> inputs;
  for (const model::Handle input : graph.inputs) {
    const model::Value &value = working.model.value(input);
    if (value.initializer) continue;
    model::Shape shape;
    for (const model::Dim &dim : value.type.dims) shape.push_back(dim.extent);
    inputs.push_back(model::Tensor::from_floats(
        shape, std::vector<float>(static_cast<std::size_t>(model::element_count(shape)), 1.0F)));
  }
  RunRequest request;
  request.executor = executor;
  ModelRunner runner(working, request);
  const model::Tensor got = emitted(runner.run(inputs), graph.outputs.at(0));
  const auto published = file.parent_path() / (file.stem().string() + "_output_0.pb");
  const model::Tensor want = model::parse_tensor_proto(read_bytes(published));
  const std::string name = executor + ": " + file.stem().string();
  CHECK_MESSAGE(got.shape() == want.shape(), name);
  const std::vector<float> a = got.to_floats(), b = want.to_floats();
  REQUIRE(a.size() == b.size());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < a.size(); ++i) wrong += std::fabs(a[i] - b[i]) <= 1e-7F + 1e-3F * std::fabs(b[i]) ? 0 : 1;
  CHECK_MESSAGE(wrong == 0, name);
}

}  // namespace

TEST_CASE("onnx light models") {
  const char *shared = std::getenv("HALFTONE_SHARED");
  const fs::path folder = shared == nullptr ? fs::path() : fs::path(shared) / "models" / "light-onnx";
  if (shared == nullptr || !fs::exists(folder)) {
    MESSAGE("HALFTONE_SHARED is not set or has no light-onnx");
    return;
  }
  std::set<fs::path> files;
  for (const auto &entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".onnx") files.insert(entry.path());
  }
  CHECK(files.size() == 9);
  for (const fs::path &file : files) {
    for (const char *executor : {"onednn", "reference"}) check_model(file, executor);
  }
}

}  // namespace halftone::test
