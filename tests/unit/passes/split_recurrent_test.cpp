// split-gru and split-lstm: against the executors' kernels on random layers, and against ONNX's published outputs.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/model/onnx_io.h"
#include "tests/unit/passes/float_check.h"

namespace halftone::test {
namespace {

using model::Handle;
namespace fs = std::filesystem;

struct LayerForm {
  std::string direction = "forward";
  bool bias = true, initial = false, peephole = false, linear = false;
  std::vector<bool> outputs = {true, true, true};  // Y, Y_h, Y_c
  std::int64_t steps = 4;
};

// A layer of 5 inputs and 3 hidden units over `steps` with a batch of 2.
Sketch layer(const std::string &op, const LayerForm &form, std::uint64_t seed, const Net::Attributes &more = {}) {
  Sketch s(seed);
  const bool lstm = op == "LSTM";
  const std::int64_t gates = lstm ? 4 : 3, d = form.direction == "bidirectional" ? 2 : 1, n = 3;
  std::vector<Handle> inputs = {s.input({form.steps, 2, 5}), s.weight({d, gates * n, 5}), s.weight({d, gates * n, n}),
                                form.bias ? s.weight({d, 2 * gates * n}) : HT_NONE, HT_NONE};
  inputs.push_back(form.initial ? s.input({d, 2, n}) : HT_NONE);
  if (lstm) {
    inputs.push_back(form.initial ? s.input({d, 2, n}) : HT_NONE);
    if (form.peephole) inputs.push_back(s.weight({d, 3 * n}));
  }
  while (inputs.back() == HT_NONE) inputs.pop_back();
  std::vector<Handle> outputs;
  for (std::size_t i = 0; i < (lstm ? 3U : 2U); ++i) {
    outputs.push_back(form.outputs[i] ? s.m().add_value(s.m().main_graph(), "out" + std::to_string(i)) : HT_NONE);
  }
  const Handle node = s.m().add_node(s.m().main_graph(), op, "", "layer", inputs, outputs);
  s.m().set_attribute(node, "hidden_size", model::Attribute{n});
  s.m().set_attribute(node, "direction", model::Attribute{form.direction});
  if (form.linear) s.m().set_attribute(node, "linear_before_reset", model::Attribute{std::int64_t{1}});
  for (const auto &[name, value] : more) s.m().set_attribute(node, name, value);
  for (const Handle output : outputs) {
    if (output != HT_NONE) s.output(output);
  }
  return s;
}

TEST_CASE("split-gru and split-lstm: every form computes the same") {
  std::uint64_t seed = 1;
  for (const char *op : {"GRU", "LSTM"}) {
    const std::string pass = op == std::string("GRU") ? "split-gru" : "split-lstm";
    for (const char *direction : {"forward", "reverse", "bidirectional"}) {
      for (int bits = 0; bits < 8; ++bits) {
        LayerForm form;
        form.direction = direction;
        form.bias = (bits & 1) != 0;
        form.initial = (bits & 2) != 0;
        form.peephole = form.linear = (bits & 4) != 0;
        if (pass == "split-gru") form.peephole = false;
        if (pass == "split-lstm") form.linear = false;
        form.outputs = {bits != 1, bits != 2, bits != 3};
        PassRunner r(layer(op, form, ++seed).done());
        run_and_compare(r, pass);
        CHECK(count_of(r, op) == 0);
        CHECK(count_of(r, "Tanh") > 0);
      }
    }
  }
}

TEST_CASE("split-gru and split-lstm: what cannot be unrolled stays") {
  const auto kept = [](const std::string &op, const LayerForm &form, const Net::Attributes &more,
                       std::string_view settings = {}) {
    PassRunner r(layer(op, form, 3, more).done());
    run_and_compare(r, op == "GRU" ? "split-gru" : "split-lstm", settings, 1e-6);
    CHECK(count_of(r, op) == 1);
    CHECK(r.row("left") == "1 nodes");
  };
  kept("GRU", {}, {Net::number("clip", 1)});
  kept("LSTM", {}, {{"activations", {std::vector<std::string>{"Sigmoid", "Tanh", "Relu"}}}});
  kept("LSTM", {}, {Net::integer("input_forget", 1)});
  kept("GRU", {}, {}, "{max_steps: 3}");
}

std::string read_bytes(const fs::path &file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The published inputs but the first become constants, as they are in exported models.
void check_published(const fs::path &folder, const std::string &pass, const std::string &op) {
  model::Model m = model::import_onnx(folder / "model.onnx").model;
  const std::vector<Handle> inputs = m.graph(m.main_graph()).inputs;
  const auto tensor = [&](const char *kind, std::size_t i) {
    return model::parse_tensor_proto(
        read_bytes(folder / "test_data_set_0" / (kind + std::string("_") + std::to_string(i) + ".pb")));
  };
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    m.set_initializer(inputs[i], tensor("input", i));
    m.unmark_input(inputs[i]);
  }
  model::infer_shapes(m);
  PassRunner r(m);
  r.run(pass);
  const std::string left = r.row("left");
  CAPTURE(folder.filename().string());
  if (!left.empty()) {
    // Batch first, and lengths of their own, are refused and nothing else is.
    const std::string name = folder.filename().string();
    CHECK((name.find("batchwise") != std::string::npos || name.find("peepholes") != std::string::npos));
    CHECK(left == "1 nodes");
    CHECK(count_of(r, op) == 1);
    return;
  }
  const model::Model &split = r.working.model;
  Runner runner(r.working, {.executor = "reference"});
  const Emitted emitted = runner.run({tensor("input", 0)});
  const auto &outputs = split.graph(split.main_graph()).outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Tolerance tolerance;
    tolerance.relative = 1e-5;
    const std::string problem = difference(emitted.at(outputs[i]), tensor("output", i), tolerance);
    CHECK_MESSAGE(problem.empty(), problem);
  }
}

TEST_CASE("split-gru and split-lstm give ONNX's published outputs") {
  const fs::path data = "/usr/share/libonnx-testdata/data/node";
  if (!fs::exists(data)) {
    MESSAGE("libonnx-testdata is not installed");
    return;
  }
  int checked = 0;
  for (const char *name :
       {"test_gru_defaults", "test_gru_with_initial_bias", "test_gru_seq_length", "test_gru_batchwise",
        "test_lstm_defaults", "test_lstm_with_initial_bias", "test_lstm_with_peepholes", "test_lstm_batchwise"}) {
    const bool gru = std::string_view(name).find("gru") != std::string_view::npos;
    if (!fs::exists(data / name)) continue;
    check_published(data / name, gru ? "split-gru" : "split-lstm", gru ? "GRU" : "LSTM");
    ++checked;
  }
  CHECK(checked >= 6);
}

}  // namespace
}  // namespace halftone::test
