#include "tests/acceptance/operators/case_net.h"

#include <fmt/core.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/model/onnx_io.h"

namespace halftone::test {
namespace {

nlohmann::json numbers_of(const model::Tensor &tensor) {
  nlohmann::json out = nlohmann::json::array();
  if (tensor.dtype() == HT_F32) {
    for (const float value : tensor.floats()) out.push_back(value);
  } else {
    for (const std::int64_t value : tensor.to_ints()) out.push_back(value);
  }
  return out;
}

}  // namespace

void CaseNet::write(const std::filesystem::path &folder, const std::string &name, const Closeness &closeness) {
  ModelRunner runner(net_.working, {.emits = outputs_});
  const Emitted results = runner.run({});
  model::Model &m = net_.m();
  nlohmann::json page = {{"operator", label_}, {"relative", closeness.relative}, {"ties", closeness.ties}};
  for (const model::Handle output : outputs_) {
    const model::Tensor &tensor = emitted(results, output);
    model::ValueType type;
    type.dtype = tensor.dtype();
    type.has_shape = true;
    for (const std::int64_t extent : tensor.shape()) type.dims.push_back({extent, ""});
    m.set_type(output, type);
    m.mark_output(output);
    page["outputs"].push_back(
        {{"name", m.value(output).name}, {"shape", tensor.shape()}, {"data", numbers_of(tensor)}});
  }
  model::export_onnx(m, folder / (name + ".onnx"));
  std::ofstream(folder / (name + ".json")) << page.dump();
}

}  // namespace halftone::test
