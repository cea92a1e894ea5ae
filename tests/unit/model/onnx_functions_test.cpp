// Functions in place of their calls.
#include <doctest/doctest.h>

#include "core/base/error.h"
#include "core/model/onnx_functions.h"
#include "core/model/verify.h"
#include "tests/unit/model/graph_maker.h"
#include "tests/unit/model/onnx_canonical.h"

namespace halftone::model {
using test::model_bytes;
using test::parse_bytes;

namespace {

// y = twice(x) with twice(a) = shift(a) + shift(a) and shift(a) = LeakyRelu(a) - 1, whose slope is the call's.
std::string calls() {
  onnx::ModelProto proto = parse_bytes(model_bytes(R"(
    node { input: "x" output: "y" op_type: "twice" domain: "own" name: "call" attribute { name: "slope" type: FLOAT f: 0.5 } }
    node { input: "y" output: "t" op_type: "Relu" name: "call/t" }
    input { name: "x" } output { name: "t" })"));
  proto.set_ir_version(8);
  auto *own = proto.add_opset_import();
  own->set_domain(std::string("own"));
  own->set_version(1);
  const auto function = [&](const char *name) -> onnx::FunctionProto & {
    onnx::FunctionProto &f = *proto.add_functions();
    f.set_domain(std::string("own"));
    f.set_name(name);
    f.add_input(std::string("a"));
    f.add_output(std::string("b"));
    f.add_attribute(std::string("slope"));
    for (const auto &import : proto.opset_import()) *f.add_opset_import() = import;
    return f;
  };
  const auto node = [](onnx::FunctionProto &f, const char *type, std::vector<std::string> inputs, const char *output) {
    onnx::NodeProto &n = *f.add_node();
    n.set_op_type(type);
    for (const std::string &input : inputs) n.add_input(input);
    n.add_output(output);
    return &n;
  };
  const auto refer = [](onnx::NodeProto *n, const char *name) {
    onnx::AttributeProto &a = *n->add_attribute();
    a.set_name(name);
    a.set_ref_attr_name(std::string("slope"));
    a.set_type(onnx::AttributeProto::FLOAT);
  };
  onnx::FunctionProto &twice = function("twice");
  for (const char *output : {"t", "u"}) {
    onnx::NodeProto *call = node(twice, "shift", {"a"}, output);
    call->set_domain(std::string("own"));
    refer(call, "slope");
  }
  node(twice, "Add", {"t", "u"}, "b");
  onnx::FunctionProto &shift = function("shift");
  refer(node(shift, "LeakyRelu", {"a"}, "l"), "alpha");
  onnx::AttributeProto &one = *node(shift, "Constant", {}, "one")->add_attribute();
  one.set_name(std::string("value_float"));
  one.set_f(1);
  one.set_type(onnx::AttributeProto::FLOAT);
  node(shift, "Sub", {"l", "one"}, "b");
  return proto.SerializeAsString();
}

}  // namespace

TEST_CASE("a file with functions comes out as it went in, unless it is to run") {
  const std::string bytes = calls();
  const onnx::ModelProto same = parse_bytes(export_onnx_bytes(import_onnx_bytes(bytes, {}).model));
  CHECK(same.functions_size() == 2);
  CHECK(same.graph().node(0).op_type() == "twice");
}

TEST_CASE("calls become nodes with names of their own") {
  const Model model = import_onnx_bytes_expanded(calls(), {}).model;
  verify(model);
  std::vector<std::string> types;
  for (const Handle n : model.topological_order(model.main_graph())) {
    const Node &node = model.node(n);
    types.push_back(node.op_type);
    if (node.op_type != "LeakyRelu") continue;
    REQUIRE(node.attributes.contains("alpha"));
    CHECK(std::get<float>(node.attributes.at("alpha").data) == 0.5F);
  }
  CHECK(types ==
        std::vector<std::string>{"LeakyRelu", "Constant", "Sub", "LeakyRelu", "Constant", "Sub", "Add", "Relu"});
  const onnx::ModelProto written = parse_bytes(export_onnx_bytes(model));
  CHECK(written.functions_size() == 0);
  for (const auto &import : written.opset_import()) CHECK(import.domain() != "own");
}

TEST_CASE("a function that calls itself is refused") {
  onnx::ModelProto proto = parse_bytes(calls());
  proto.mutable_functions(1)->mutable_node(0)->set_op_type(std::string("twice"));
  proto.mutable_functions(1)->mutable_node(0)->set_domain(std::string("own"));
  CHECK_THROWS_WITH_AS(import_onnx_bytes_expanded(proto.SerializeAsString(), {}), doctest::Contains("calls itself"),
                       Error);
}

namespace {

// f0(a) = Relu(a) and fN(a) = fN-1(fN-1(a)), called once.
std::string doubling(int levels) {
  onnx::ModelProto proto = parse_bytes(model_bytes(fmt::format(
      R"(node {{ input: "x" output: "y" op_type: "f{}" domain: "own" name: "call" }}
         input {{ name: "x" }} output {{ name: "y" }})",
      levels)));
  proto.set_ir_version(8);
  auto *own = proto.add_opset_import();
  own->set_domain(std::string("own"));
  own->set_version(1);
  for (int level = 0; level <= levels; ++level) {
    onnx::FunctionProto &f = *proto.add_functions();
    f.set_domain(std::string("own"));
    f.set_name(fmt::format("f{}", level));
    f.add_input(std::string("a"));
    f.add_output(std::string("b"));
    for (const auto &import : proto.opset_import()) *f.add_opset_import() = import;
    for (int call = 0; call < (level == 0 ? 1 : 2); ++call) {
      onnx::NodeProto &n = *f.add_node();
      n.set_op_type(level == 0 ? std::string("Relu") : fmt::format("f{}", level - 1));
      if (level != 0) n.set_domain(std::string("own"));
      n.add_input(std::string(call == 0 ? "a" : "t"));
      n.add_output(std::string(level == 0 || call == 1 ? "b" : "t"));
    }
  }
  return proto.SerializeAsString();
}

}  // namespace

TEST_CASE("functions that double with each level are refused before they are expanded") {
  const Model model = import_onnx_bytes_expanded(doubling(8), {}).model;
  verify(model);
  CHECK(model.graph(model.main_graph()).nodes.size() == 256);
  CHECK_THROWS_WITH_AS(import_onnx_bytes_expanded(doubling(40), {}),
                       doctest::Contains("function 'f19' of domain 'own' expands to more than 1000000 nodes"), Error);
  CHECK_THROWS_WITH_AS(import_onnx_bytes_expanded(doubling(600), {}), doctest::Contains("more than 500 deep"), Error);
}

TEST_CASE("an operator that nothing runs becomes the function of its specification") {
  const std::string bytes = model_bytes(R"(
    node { input: "x" output: "y" op_type: "Celu" name: "celu" attribute { name: "alpha" type: FLOAT f: 2 } }
    input { name: "x" type { tensor_type { elem_type: 1 shape { dim { dim_value: 3 } } } } } output { name: "y" })");
  const auto needs = [](std::string_view, std::string_view type, std::int64_t) { return type == "Celu"; };
  const Model model = import_onnx_bytes_expanded(bytes, needs).model;
  verify(model);
  bool elu = false;
  for (const Handle n : model.graph(model.main_graph()).nodes) {
    CHECK(model.node(n).op_type != "Celu");
    elu = elu || model.node(n).op_type == "Elu";
  }
  CHECK(elu);
}

}  // namespace halftone::model
