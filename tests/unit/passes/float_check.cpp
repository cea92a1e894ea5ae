#include "tests/unit/passes/float_check.h"

#include <doctest/doctest.h>

#include "core/model/onnx_io.h"

namespace halftone::test {

model::Model Sketch::done() {
  model::infer_shapes(m());
  return m();
}

std::vector<std::vector<model::Tensor>> float_outputs(host::WorkingModel &working, std::string_view executor) {
  const model::Model &m = working.model;
  RunRequest request;
  request.executor = std::string(executor);
  Runner runner(working, request);
  std::vector<std::vector<model::Tensor>> all;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    std::vector<model::Tensor> sample;
    for (const model::Handle input : m.graph(m.main_graph()).inputs) {
      if (m.value(input).initializer) continue;
      model::Shape shape;
      for (const model::Dim &dim : m.value(input).type.dims) shape.push_back(dim.extent < 0 ? 3 : dim.extent);
      sample.push_back(random_tensor(std::move(shape), 100 * seed + sample.size()));
    }
    const Emitted emitted = runner.run(sample);
    std::vector<model::Tensor> outputs;
    for (const model::Handle output : m.graph(m.main_graph()).outputs) outputs.push_back(emitted.at(output));
    all.push_back(std::move(outputs));
  }
  return all;
}

void run_and_compare(PassRunner &runner, std::string_view pass, std::string_view settings, double relative) {
  const auto before = float_outputs(runner.working, "reference");
  runner.run(pass, settings);
  Tolerance tolerance;
  tolerance.relative = relative;
  for (const char *executor : {"reference", "onednn"}) {
    const auto after = float_outputs(runner.working, executor);
    for (std::size_t s = 0; s < before.size(); ++s) {
      REQUIRE(after[s].size() == before[s].size());
      for (std::size_t i = 0; i < before[s].size(); ++i) {
        const std::string problem = difference(after[s][i], before[s][i], tolerance);
        CHECK_MESSAGE(problem.empty(), executor, ", output ", i, ": ", problem);
      }
    }
  }
}

int count_of(const PassRunner &runner, std::string_view op_type) {
  const model::Model &m = runner.working.model;
  int count = 0;
  for (const model::Handle node : m.graph(m.main_graph()).nodes) count += m.node(node).op_type == op_type ? 1 : 0;
  return count;
}

}  // namespace halftone::test
