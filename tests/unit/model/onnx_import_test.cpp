#include <doctest/doctest.h>

#include "core/model/onnx_io.h"
#include "core/model/verify.h"
#include "tests/unit/model/graph_maker.h"
#include "tests/unit/model/onnx_canonical.h"

namespace halftone::model {
using test::model_bytes;
using test::parse_bytes;

TEST_CASE("nodes without a name, or with one that is taken, get one of their own") {
  const std::string bytes = model_bytes(R"(
    node { input: "x" output: "a" op_type: "Relu" } node { input: "a" output: "b" op_type: "Relu" name: "Relu_0" }
    node { input: "b" output: "c" op_type: "Relu" name: "Relu_0" } input { name: "x" } output { name: "c" })");
  Model model = import_onnx_bytes(bytes, {}).model;
  std::vector<std::string> names;
  for (const Handle n : model.graph(model.main_graph()).nodes) names.push_back(model.node(n).name);
  CHECK(names == std::vector<std::string>{"Relu_0_1", "Relu_0", "Relu_0_2"});
  const onnx::ModelProto same = parse_bytes(export_onnx_bytes(model));
  CHECK(same.graph().node(0).name().empty());
  CHECK(same.graph().node(2).name() == "Relu_0");
  model.rename_node(model.find_node(model.main_graph(), "Relu_0_1"), "renamed");
  CHECK(parse_bytes(export_onnx_bytes(model)).graph().node(0).name() == "renamed");
}

TEST_CASE("constants listed as inputs are both") {
  const Model model = import_onnx_bytes(model_bytes(R"(
    node { input: "x" input: "w" output: "y" op_type: "Add" } initializer { name: "w" dims: 1 data_type: 1 float_data: 2 }
    input { name: "x" } input { name: "w" type { tensor_type { elem_type: 1 } } } output { name: "y" })"),
                                        {})
                          .model;
  const Value &w = model.value(model.find_value(model.main_graph(), "w"));
  CHECK(w.is_input);
  REQUIRE(w.initializer);
  CHECK(w.initializer->to_floats() == std::vector<float>{2});
  CHECK(model.graph(model.main_graph()).inputs.size() == 2);
}

TEST_CASE("subgraphs see outer names, their own first") {
  const ImportResult read = import_onnx_bytes(model_bytes(R"(
    node { input: "c" output: "y" op_type: "If" name: "if"
      attribute { name: "then_branch" type: GRAPH g { name: "t" node { input: "x" output: "tx" op_type: "Relu" } output { name: "tx" } } }
      attribute { name: "else_branch" type: GRAPH g { name: "e" node { input: "c" output: "x" op_type: "Neg" } output { name: "x" } } } }
    input { name: "c" } input { name: "x" } output { name: "y" })"),
                                              {});
  const Model &model = read.model;
  verify(model);
  REQUIRE(model.graphs().size() == 3);
  const Handle x = model.find_value(model.main_graph(), "x");
  CHECK(model.value(x).consumers.size() == 1);
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0].find("'x'") != std::string::npos);
  const Handle branch = model.find_node(model.main_graph(), "if");
  CHECK(model.captured_values(branch).size() == 2);
}

TEST_CASE("a subgraph that returns an outer value, or one value twice, gets a copy") {
  const ImportResult read = import_onnx_bytes(model_bytes(R"(
    node { input: "c" output: "y" output: "z" op_type: "If"
      attribute { name: "then_branch" type: GRAPH g { name: "t" output { name: "x" } output { name: "x" } } }
      attribute { name: "else_branch" type: GRAPH g { name: "e" node { input: "x" output: "n" op_type: "Neg" } output { name: "n" } output { name: "n" } } } }
    input { name: "c" } input { name: "x" } output { name: "y" })"),
                                              {});
  verify(read.model);
  CHECK(read.warnings.size() == 3);
  for (const Handle g : read.model.graphs()) {
    if (g != read.model.main_graph()) CHECK(read.model.graph(g).outputs.size() == 2);
  }
  verify(import_onnx_bytes(export_onnx_bytes(read.model), {}).model);
}

TEST_CASE("newer files are read with a warning") {
  const ImportResult read = import_onnx_bytes(model_bytes(R"(
    node { input: "x" output: "y" op_type: "NotInventedYet" } input { name: "x" } output { name: "y" })",
                                                          99),
                                              {});
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0].find("opset 99") != std::string::npos);
  onnx::ModelProto newer = parse_bytes(
      model_bytes(R"(node { input: "x" output: "y" op_type: "Relu" } input { name: "x" } output { name: "y" })"));
  newer.set_ir_version(1000);
  const ImportResult second = import_onnx_bytes(newer.SerializeAsString(), {});
  REQUIRE(second.warnings.size() == 1);
  CHECK(second.warnings[0].find("IR version 1000") != std::string::npos);
  CHECK(parse_bytes(export_onnx_bytes(second.model)).ir_version() == 1000);
}

TEST_CASE("foreign domains and local functions are not questioned") {
  const ImportResult read = import_onnx_bytes(model_bytes(R"(
    node { input: "x" output: "a" op_type: "Anything" domain: "com.example" } node { input: "a" output: "y" op_type: "Mine" }
    input { name: "x" } output { name: "y" })",
                                                          15, R"(functions { name: "Mine" input: "i" output: "o"
    node { input: "i" output: "o" op_type: "Relu" } opset_import { version: 15 } })"),
                                              {});
  CHECK(read.warnings.empty());
}

TEST_CASE("tensor messages are read and written on their own") {
  const std::vector<float> values = {1, 2, 3};
  const Tensor tensor = parse_tensor_proto(serialize_tensor_proto(Tensor::from_floats({3}, values), "t"));
  CHECK(tensor.to_floats() == values);
  CHECK(tensor.shape() == Shape{3});
  CHECK_THROWS(parse_tensor_proto("no tensor"));
  CHECK_THROWS(parse_tensor_proto(""));
}

}  // namespace halftone::model
