#include <filesystem>

#include <doctest/doctest.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/model/onnx_io.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/base/temp_folder.h"
#include "tests/unit/model/graph_maker.h"
#include "tests/unit/model/onnx_canonical.h"

namespace halftone::model {
namespace {

using namespace test;
using halftone::test::expect_error;
using halftone::test::TempFolder;

const std::string kChain = R"(
  node { input: "x" output: "h" op_type: "Relu" name: "relu" doc_string: "kept"
    attribute { name: "note" i: 1 type: INT doc_string: "kept too" } attribute { name: "gone" i: 2 type: INT } }
  node { input: "h" output: "y" op_type: "Sigmoid" name: "sigmoid" }
  input { name: "x" type { tensor_type { elem_type: 1 shape { dim { dim_value: 1 } dim { dim_value: 4 } } } } }
  output { name: "y" doc_string: "result" type { tensor_type { elem_type: 1 shape { dim { dim_value: 1 } dim { dim_value: 4 } } } } }
  value_info { name: "h" type { tensor_type { elem_type: 1 } } }
  quantization_annotation { tensor_name: "h" quant_parameter_tensor_names { key: "SCALE_TENSOR" value: "h" } })";

onnx::ModelProto exported(const Model &model) {
  return parse_bytes(export_onnx_bytes(model));
}

}  // namespace

TEST_CASE("edits are written into the original, which keeps the rest") {
  Model model = import_onnx_bytes(model_bytes(kChain), {}).model;
  const Handle g = model.main_graph(), relu = model.find_node(g, "relu"), h = model.find_value(g, "h");
  model.set_op_type(relu, "Gelu", "com.example");
  model.set_opset("com.example", 1);
  model.set_attribute(relu, "note", {std::int64_t{7}});
  model.remove_attribute(relu, "gone");
  model.set_attribute(relu, "added", {std::vector<float>{1, 2}});
  model.rename_value(h, "hidden");
  model.metadata["key"] = "value";
  model.name = "renamed graph";
  const onnx::ModelProto proto = exported(model);
  const onnx::NodeProto &node = proto.graph().node(0);
  CHECK(node.op_type() == "Gelu");
  CHECK(node.domain() == "com.example");
  CHECK(node.doc_string() == "kept");
  REQUIRE(node.attribute_size() == 2);
  CHECK(node.attribute(0).i() == 7);
  CHECK(node.attribute(0).doc_string() == "kept too");
  CHECK(node.attribute(1).floats_size() == 2);
  CHECK(node.output(0) == "hidden");
  CHECK(proto.graph().node(1).input(0) == "hidden");
  CHECK(proto.graph().value_info(0).name() == "hidden");
  CHECK(proto.graph().quantization_annotation(0).tensor_name() == "hidden");
  CHECK(proto.graph().quantization_annotation(0).quant_parameter_tensor_names(0).value() == "hidden");
  CHECK(proto.graph().name() == "renamed graph");
  CHECK(proto.opset_import_size() == 2);
  CHECK(proto.metadata_props(0).value() == "value");
}

TEST_CASE("notes of passes are written to no file and taken from none") {
  Model model = import_onnx_bytes(model_bytes(kChain), {}).model;
  model.metadata["halftone.note/normal/h"] = "1 2 ";
  model.metadata["key"] = "value";
  onnx::ModelProto proto = exported(model);
  REQUIRE(proto.metadata_props_size() == 1);
  CHECK(proto.metadata_props(0).key() == "key");
  auto &note = *proto.add_metadata_props();
  note.set_key("halftone.note/normal/h");
  note.set_value("3 4 ");
  const Model again = import_onnx_bytes(proto.SerializeAsString(), {}).model;
  CHECK(again.metadata.size() == 1);
  CHECK(again.metadata.contains("key"));
}

TEST_CASE("an attribute that changes its kind carries only its new value") {
  Model model = import_onnx_bytes(model_bytes(kChain), {}).model;
  model.set_attribute(model.find_node(model.main_graph(), "relu"), "note", {std::string("text")});
  const onnx::ModelProto proto = exported(model);
  const onnx::AttributeProto &note = proto.graph().node(0).attribute(0);
  CHECK(note.type() == onnx::AttributeProto::STRING);
  CHECK(note.s() == "text");
  CHECK_FALSE(note.has_i());
}

TEST_CASE("an inserted node stands before its reader, and outputs keep name and documentation") {
  Model model = import_onnx_bytes(model_bytes(kChain), {}).model;
  const Handle g = model.main_graph(), y = model.find_value(g, "y"), h = model.find_value(g, "h");
  for (const Handle v : {h, y}) {
    const Handle copy = model.add_value(g, model.unique_name(g, "copy"));
    model.replace_uses(v, copy);
    model.add_node(g, "Identity", "", "", {&v, 1}, {&copy, 1});
  }
  const onnx::ModelProto proto = exported(model);
  std::string order;
  for (const auto &node : proto.graph().node()) order += node.op_type() + " ";
  CHECK(order == "Relu Identity Sigmoid Identity ");
  CHECK(proto.graph().output(0).name() == "y");
  CHECK(proto.graph().output(0).doc_string() == "result");
  CHECK(proto.graph().node(3).output(0) == "y");
  CHECK_FALSE(proto.graph().node(1).name().empty());
}

TEST_CASE("a removed value takes its traces with it") {
  Model model = import_onnx_bytes(model_bytes(kChain), {}).model;
  const Handle g = model.main_graph(), relu = model.find_node(g, "relu"), h = model.find_value(g, "h");
  model.replace_uses(h, model.find_value(g, "x"));
  model.remove_node(relu);
  model.remove_value(h);
  const onnx::ModelProto proto = exported(model);
  CHECK(proto.graph().node_size() == 1);
  CHECK(proto.graph().value_info_size() == 0);
  CHECK(proto.graph().quantization_annotation_size() == 0);
}

TEST_CASE("a model made in memory is a valid file") {
  const TempFolder folder;
  GraphMaker m;
  m.input("x", {1, 2});
  const std::vector<float> values = {1, 2};
  m.constant("w", Tensor::from_floats({2}, values));
  const Handle add = m.node("Add", {"x", "w"}, {"y"});
  m.model.set_attribute(add, "t", {Tensor::from_floats({2}, values)});
  m.output("y");
  export_onnx(m.model, folder / "m.onnx");
  const onnx::ModelProto proto = parse_bytes(read_file(folder / "m.onnx"));
  CHECK(proto.ir_version() == 8);
  CHECK_FALSE(proto.graph().name().empty());
  CHECK(proto.graph().initializer(0).raw_data().size() == 8);
  CHECK(proto.graph().output(0).type().tensor_type().shape().dim_size() == 2);  // inferred
  CHECK(proto.graph().node(0).attribute(0).t().dims(0) == 2);
  CHECK(folder.entries() == 1);
}

TEST_CASE("the IR version rises with what is used") {
  const auto ir_version = [](std::int64_t before, std::int64_t opset, bool with_constant) {
    onnx::ModelProto proto = parse_bytes(model_bytes(kChain));
    proto.set_ir_version(before);
    Model model = import_onnx_bytes(proto.SerializeAsString(), {}).model;
    if (opset != 13) model.set_opset("", opset);
    if (with_constant) model.add_initializer(model.main_graph(), "w", Tensor(HT_F32, {1}));
    return exported(model).ir_version();
  };
  CHECK(ir_version(3, 13, false) == 3);
  CHECK(ir_version(3, 13, true) == 4);
  CHECK(ir_version(3, 19, false) == 9);
  CHECK(ir_version(8, 21, false) == 10);
  CHECK(ir_version(12, 21, false) == 12);
}

// Files before IR version 4 must list constants as inputs; one that is taken off the list needs the newer version.
TEST_CASE("a constant that is no longer listed as an input") {
  onnx::ModelProto proto = parse_bytes(model_bytes(R"(
    node { input: "x" input: "w" output: "y" op_type: "Add" name: "add" }
    input { name: "x" type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } } } } }
    input { name: "w" type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } } } } }
    initializer { name: "w" data_type: 1 dims: 2 float_data: 1 float_data: 2 }
    output { name: "y" type { tensor_type { elem_type: 1 shape { dim { dim_value: 2 } } } } })"));
  proto.set_ir_version(3);
  Model model = import_onnx_bytes(proto.SerializeAsString(), {}).model;
  CHECK(exported(model).ir_version() == 3);
  CHECK(exported(model).graph().input_size() == 2);
  model.unmark_input(model.find_value(model.main_graph(), "w"));
  const onnx::ModelProto written = exported(model);
  CHECK(written.ir_version() == 4);
  REQUIRE(written.graph().input_size() == 1);
  CHECK(written.graph().input(0).name() == "x");
  CHECK(written.graph().initializer_size() == 1);
}

TEST_CASE("a failing export leaves the old file and nothing else") {
  const TempFolder folder;
  const Model model = import_onnx_bytes(model_bytes(kChain), {}).model;
  expect_error(Status::kNotFound, {"none/m.onnx", "no folder"}, [&] { export_onnx(model, folder / "none/m.onnx"); });
  expect_error(Status::kInvalidArgument, {"a folder"}, [&] { export_onnx(model, folder.path()); });
  folder.write("m.onnx", "old");
  Model broken = model;
  broken.set_attribute(broken.find_node(broken.main_graph(), "relu"), "note", {Tensor()});
  expect_error(Status::kInternal, {"'relu'"}, [&] { export_onnx(broken, folder / "m.onnx"); });
  expect_error(Status::kInternal, {"'relu'"},
               [&] { export_onnx(broken, folder / "m.onnx", {.external_threshold = -1}); });
  CHECK(read_file(folder / "m.onnx") == "old");
  CHECK(folder.entries() == 1);
  if (std::filesystem::exists("/dev/full")) {
    expect_error(Status::kResourceExhausted, {"no space left"}, [&] { export_onnx(model, "/dev/full"); });
  }
}

TEST_CASE("string constants can be copied to new nodes, foreign attributes cannot") {
  Model model = import_onnx_bytes(model_bytes(R"(
    node { output: "y" op_type: "Constant" name: "c" attribute { name: "value" type: TENSOR
      t { dims: 1 data_type: 8 string_data: "abc" } } attribute { name: "tp" tp { } type: TYPE_PROTO } } output { name: "y" })"),
                                  {})
                    .model;
  const Handle g = model.main_graph(), c = model.find_node(g, "c"), z = model.add_value(g, "z");
  const Handle twin = model.add_node(g, "Constant", "", "twin", {}, {&z, 1});
  model.set_attribute(twin, "value", model.node(c).attributes.find("value")->second);
  CHECK(exported(model).graph().node(1).attribute(0).t().string_data(0) == "abc");
  model.set_attribute(twin, "tp", model.node(c).attributes.find("tp")->second);
  expect_error(Status::kFailedPrecondition, {"'tp'", "'twin'"}, [&] { exported(model); });
}

}  // namespace halftone::model
