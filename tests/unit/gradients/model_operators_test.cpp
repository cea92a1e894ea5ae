// Every operator of the models at hand has a gradient. $HALFTONE_SHARED/models has them.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "core/model/onnx_io.h"
#include "tests/unit/gradients/op_case.h"

namespace halftone::test {

TEST_CASE("every operator of the real models has a gradient") {
  const char *shared = std::getenv("HALFTONE_SHARED");
  const std::filesystem::path folder = std::filesystem::path(shared == nullptr ? "" : shared) / "models";
  if (shared == nullptr || !std::filesystem::exists(folder)) {
    MESSAGE("HALFTONE_SHARED does not say where the models are");
    return;
  }
  std::set<std::string> without;
  int models = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".onnx") continue;
    ++models;
    const model::Model m = model::import_onnx(entry.path()).model;
    for (const model::Handle handle : m.graph(m.main_graph()).nodes) {
      const model::Node &node = m.node(handle);
      if (!has_gradient(node.domain, node.op_type, m.opset(node.domain))) {
        without.insert(node.domain + " " + node.op_type + " in " + entry.path().filename().string());
      }
    }
  }
  CHECK(models > 0);
  for (const std::string &operation : without) FAIL_CHECK(operation);
}

}  // namespace halftone::test
