// ONNX's own test models: the executor onednn gives what plain kernels give.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "core/model/onnx_io.h"
#include "tests/agree/rig.h"

namespace halftone::test {
namespace {

namespace fs = std::filesystem;
const fs::path kData = "/usr/share/libonnx-testdata/data";

std::string read_bytes(const fs::path &file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<model::Tensor> inputs_of(const fs::path &folder) {
  std::vector<model::Tensor> out;
  for (int i = 0;; ++i) {
    const fs::path file = folder / fmt::format("input_{}.pb", i);
    if (!fs::exists(file)) return out;
    out.push_back(model::parse_tensor_proto(read_bytes(file)));
  }
}

// Nothing where plain kernels cannot run the model either.
std::optional<Emitted> run_plain(host::WorkingModel &working, const fs::path &folder) {
  try {
    working.model = model::import_onnx(folder / "model.onnx").model;
    return Runner(working, {.executor = "reference"}).run(inputs_of(folder / "test_data_set_0"));
  } catch (const Error &) {
    return std::nullopt;
  }
}

// Sequences and strings pass through plain Identity by chance; neither executor promises them. The published files of
// optional inputs hold no plain tensors.
bool takes_tensors(const model::Model &m) {
  return std::ranges::all_of(m.graph(m.main_graph()).inputs, [&](model::Handle input) {
    const ht_dtype dtype = m.value(input).type.dtype;
    return dtype != HT_DTYPE_NONE && dtype != HT_STRING && !model::is_optional_input(m, input);
  });
}

void run_suite(const std::string &suite) {
  if (!fs::exists(kData / suite)) {
    MESSAGE("libonnx-testdata is not installed");
    return;
  }
  int agreed = 0;
  std::set<fs::path> folders;
  for (const auto &entry : fs::directory_iterator(kData / suite)) folders.insert(entry.path());
  for (const fs::path &folder : folders) {
    host::WorkingModel working;
    const auto want = run_plain(working, folder);
    if (!want || !takes_tensors(working.model)) continue;
    std::string problem;
    try {
      const Emitted got = Runner(working, {}).run(inputs_of(folder / "test_data_set_0"));
      problem = disagreement(working.model, got, *want, {});
    } catch (const Error &error) {
      problem = error.message();
    }
    CHECK_MESSAGE(problem.empty(), folder.filename().string(), ": ", problem);
    agreed += problem.empty() ? 1 : 0;
  }
  MESSAGE(suite, ": ", agreed, " models agree");
  CHECK(agreed > 0);
}

}  // namespace

TEST_CASE("onnx node tests agree") {
  run_suite("node");
}
TEST_CASE("onnx simple models agree") {
  run_suite("simple");
}
TEST_CASE("onnx models converted from pytorch agree") {
  run_suite("pytorch-converted");
}
TEST_CASE("onnx operators exported from pytorch agree") {
  run_suite("pytorch-operator");
}

}  // namespace halftone::test
