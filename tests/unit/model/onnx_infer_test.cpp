#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "core/model/onnx_io.h"
#include "tests/unit/model/graph_maker.h"
#include "tests/unit/model/onnx_canonical.h"

namespace halftone::model {
namespace {

using namespace test;

// "float32[N,3,?]"; "none" without a type.
std::string type_text(const Model &model, std::string_view name) {
  const ValueType &type = model.value(model.find_value(model.main_graph(), name)).type;
  std::string text(dtype_name(type.dtype));
  if (!type.has_shape) return text;
  text += '[';
  for (const Dim &dim : type.dims) {
    if (text.back() != '[') text += ',';
    text += dim.extent >= 0 ? std::to_string(dim.extent) : (dim.symbol.empty() ? "?" : dim.symbol);
  }
  return text + ']';
}

const std::string kInput = R"(input { name: "x" type { tensor_type { elem_type: 1 shape {
  dim { dim_param: "N" } dim { dim_value: 3 } dim { dim_value: 8 } dim { dim_value: 8 } } } } } output { name: "y" })";

}  // namespace

TEST_CASE("types follow from the inputs, symbols are kept") {
  const Model model = import_onnx_bytes(model_bytes(R"(
    node { input: "x" input: "w" output: "a" op_type: "Conv" } node { input: "a" output: "b" op_type: "Flatten" }
    node { input: "b" output: "y" op_type: "Relu" }
    initializer { name: "w" dims: [2000, 3, 3, 3] data_type: 1 raw_data: ")" +
                                                    std::string(2000 * 27 * 4, 'x') + "\" }" + kInput),
                                        {})
                          .model;
  CHECK(type_text(model, "a") == "float32[N,2000,6,6]");
  CHECK(type_text(model, "b") == "float32[N,72000]");
  CHECK(type_text(model, "y") == "float32[N,72000]");
}

TEST_CASE("known types stay, unknown parts are filled") {
  GraphMaker m;
  m.input("x", {2, 3});
  m.node("Relu", {"x"}, {"a"});
  m.node("Relu", {"a"}, {"b"});
  m.node("Relu", {"b"}, {"y"});
  m.output("y");
  ValueType odd = float_type({-1, 3});
  odd.dims[0].symbol = "mine";
  m.model.set_type(m.at("a"), odd);
  m.model.set_type(m.at("b"), float_type({-1, 3}));
  infer_shapes(m.model);
  CHECK(type_text(m.model, "a") == "float32[mine,3]");
  CHECK(type_text(m.model, "y").starts_with("float32["));
  const std::uint64_t revision = m.model.revision();
  infer_shapes(m.model);
  CHECK(m.model.revision() == revision);  // nothing new, no edit
}

TEST_CASE("names that onnx makes up for unknown extents do not leak") {
  const Model model =
      import_onnx_bytes(model_bytes(R"(node { input: "x" output: "y" op_type: "NonZero" })" + kInput), {}).model;
  CHECK(type_text(model, "y") == "int64[4,?]");
}

TEST_CASE("one node that cannot be inferred does not stop the others") {
  const Model model = import_onnx_bytes(model_bytes(R"(
    node { input: "x" output: "a" op_type: "Mystery" domain: "d" } node { input: "a" output: "b" op_type: "Relu" }
    node { input: "x" input: "x" output: "bad" op_type: "Reshape" } node { input: "x" output: "few" op_type: "Conv" } node { input: "x" output: "y" op_type: "Sigmoid" })" +
                                                    kInput),
                                        {})
                          .model;
  CHECK(type_text(model, "a") == "none");
  CHECK(type_text(model, "y") == "float32[N,3,8,8]");
  CHECK(model.value(model.find_value(model.main_graph(), "few")).type.dtype == HT_DTYPE_NONE);
}

TEST_CASE("values without any type are no danger to what reads them") {
  for (const std::string source :
       {R"(input { name: "u" })", R"(node { input: "x" output: "u" op_type: "Mystery" domain: "d" })",
        R"(input { name: "u" type { } })",
        R"(node { input: "x" output: "u" op_type: "Mystery" domain: "d" } value_info { name: "u" })"}) {
    INFO(source);
    const Model model = import_onnx_bytes(model_bytes(source + R"(
      node { input: "u" output: "s" op_type: "Shape" } node { input: "u" output: "r" op_type: "Size" }
      node { input: "u" output: "c" op_type: "ConvTranspose" } node { input: "x" output: "y" op_type: "Relu" })" +
                                                          kInput,
                                                      15),
                                          {})
                            .model;
    CHECK(type_text(model, "y") == "float32[N,3,8,8]");
  }
}

TEST_CASE("attributes out of range do not end the process") {
  for (const std::string node :
       {R"(op_type: "Conv" attribute { name: "strides" type: INTS ints: [0, 0] })",
        R"(op_type: "ConvTranspose" attribute { name: "strides" type: INTS ints: [0, 2] })",
        R"(op_type: "ConvTranspose" attribute { name: "strides" type: INTS ints: [2] })",
        R"(op_type: "LayerNormalization" attribute { name: "axis" type: INT i: -9 })",
        R"(op_type: "LayerNormalization" attribute { name: "axis" type: INT i: 9223372036854775804 })"}) {
    INFO(node);
    const Model model = import_onnx_bytes(model_bytes("node { input: 'x' input: 'w' output: 'a' " + node + R"(}
      node { input: "x" output: "y" op_type: "Relu" }
      initializer { name: "w" dims: [1, 3] data_type: 1 float_data: [1, 2, 3] })" +
                                                          kInput,
                                                      17),
                                          {})
                            .model;
    CHECK(type_text(model, "y") == "float32[N,3,8,8]");
  }
}

namespace {

// Constants of the chains below, in front of the nodes that read them.
std::string numbers(const std::string &name, std::initializer_list<int> values, bool scalar = false) {
  std::string text = "initializer { name: '" + name + "' data_type: 7 ";
  if (!scalar) text += "dims: " + std::to_string(values.size()) + " ";
  for (const int value : values) text += "int64_data: " + std::to_string(value) + " ";
  return text + "} ";
}

std::string op(const std::string &type, const std::string &inputs, const std::string &output,
               const std::string &attributes = {}) {
  std::string text = "node { op_type: '" + type + "' output: '" + output + "' ";
  std::istringstream list(inputs);
  for (std::string input; list >> input;) text += "input: '" + input + "' ";
  return text + attributes + "} ";
}

const std::string kAxis0 = "attribute { name: 'axis' type: INT i: 0 }";

std::string chain_constants() {
  return numbers("i0", {0}, true) + numbers("i1", {1}, true) + numbers("ax", {0}) + numbers("m1", {-1}) +
         numbers("one", {1}, true) + numbers("three", {3}, true) + numbers("v3", {3}) + numbers("v0", {0}) +
         numbers("v2", {2}) + numbers("perm", {0, 2, 1});
}

}  // namespace

TEST_CASE("ranks and extents behind shapes that the model computes") {
  const Model model =
      import_onnx_bytes(
          model_bytes(
              chain_constants() + op("Shape", "x", "s") +
                  // [N, -1]
                  op("Gather", "s i0", "n", kAxis0) + op("Unsqueeze", "n ax", "nv") +
                  op("Concat", "nv m1", "t", kAxis0) + op("Reshape", "x t", "flat") + op("Relu", "flat", "behind") +
                  // [N, 3 / 3, 3, -1], through a Slice, arithmetic and a Cast
                  op("Slice", "s v0 v2", "front") + op("Gather", "front i1", "c", kAxis0) +
                  op("Div", "c three", "heads") +
                  op("Cast", "heads", "cast", "attribute { name: 'to' type: INT i: 7 }") +
                  op("Unsqueeze", "cast ax", "hv") + op("Concat", "nv hv v3 m1", "t4", kAxis0) +
                  op("Reshape", "x t4", "split") +
                  op("Transpose", "split", "turned", "attribute { name: 'perm' type: INTS ints: [0, 2, 1, 3] }") +
                  // once more behind itself: the second shape is that of a value behind the first
                  op("Shape", "turned", "s2") + op("Gather", "s2 i1", "c2", kAxis0) + op("Unsqueeze", "c2 ax", "cv2") +
                  op("Concat", "nv cv2 m1", "t3", kAxis0) + op("Reshape", "turned t3", "joined") +
                  op("Sigmoid", "joined", "y") + kInput,
              13),
          {})
          .model;
  CHECK(type_text(model, "flat") == "float32[N,192]");
  CHECK(type_text(model, "behind") == "float32[N,192]");
  CHECK(type_text(model, "split") == "float32[N,1,3,64]");
  CHECK(type_text(model, "turned") == "float32[N,3,1,64]");
  CHECK(type_text(model, "joined") == "float32[N,3,64]");
  CHECK(type_text(model, "y") == "float32[N,3,64]");
}

TEST_CASE("the rank is known where an extent is not") {
  const Model model =
      import_onnx_bytes(
          model_bytes(
              chain_constants() + op("NonZero", "x", "where") + op("Shape", "where", "s") +
                  op("Gather", "s i1", "n", kAxis0) + op("Unsqueeze", "n ax", "nv") +
                  op("Concat", "nv m1 v3", "t", kAxis0) + op("Reshape", "x t", "y") +
                  op("Concat", "nv v3", "t2", kAxis0) + op("ConstantOfShape", "t2", "zeros") +
                  op("Expand", "one_row t2", "wide") +
                  "initializer { name: 'one_row' data_type: 1 dims: 1 dims: 1 dims: 3 float_data: [1, 2, 3] } " +
                  kInput,
              13),
          {})
          .model;
  CHECK(type_text(model, "y") == "float32[?,?,3]");
  CHECK(type_text(model, "zeros") == "float32[?,3]");
  CHECK(type_text(model, "wide") == "float32[1,?,3]");
}

TEST_CASE("a computed zero of a Reshape is the extent of its data, -1 is left open where extents do not divide") {
  const Model model =
      import_onnx_bytes(model_bytes(chain_constants() + op("Shape", "x", "s") + op("Gather", "s i1", "c", kAxis0) +
                                        op("Sub", "c three", "nothing") + op("Unsqueeze", "nothing ax", "zero") +
                                        op("Concat", "zero zero m1", "t", kAxis0) + op("Reshape", "x t", "copied") +
                                        op("Concat", "m1 v2", "odd", kAxis0) + op("Reshape", "x odd", "y") + kInput,
                                    13),
                        {})
          .model;
  CHECK(type_text(model, "copied") == "float32[N,3,64]");
  CHECK(type_text(model, "y") == "float32[?,2]");
}

TEST_CASE("computed pads change extents by what is known of them, and never the rank") {
  const Model model =
      import_onnx_bytes(
          model_bytes(chain_constants() + numbers("p", {0, 1, 0, 0, 0, 1}) + numbers("two", {2}) +
                          op("Shape", "x", "s") + op("Gather", "s i1", "c", kAxis0) + op("Unsqueeze", "c ax", "cv") +
                          op("Concat", "p cv two", "pads", kAxis0) + op("Pad", "x pads", "some") +
                          op("NonZero", "x", "nz") + op("Shape", "nz", "s2") + op("Gather", "s2 i1", "n", kAxis0) +
                          op("Unsqueeze", "n ax", "nv") + op("Concat", "p nv two", "unknown", kAxis0) +
                          op("Pad", "x unknown", "y") + op("Slice", "x nv v3 v3", "cut") + kInput,
                      13),
          {})
          .model;
  CHECK(type_text(model, "some") == "float32[N,5,11,10]");
  CHECK(type_text(model, "y") == "float32[N,5,?,10]");
  CHECK(model.value(model.find_value(model.main_graph(), "cut")).type.dims.size() == 4);
}

TEST_CASE("every float value of the models at hand has a rank") {
  const char *shared = std::getenv("HALFTONE_SHARED");
  if (shared == nullptr) {
    MESSAGE("HALFTONE_SHARED is not set: no model is looked at");
    return;
  }
  std::size_t models = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(std::filesystem::path(shared) / "models")) {
    if (entry.path().extension() != ".onnx") continue;
    INFO(entry.path().string());
    const Model model = import_onnx(entry.path(), {}).model;
    std::string without;
    for (const Handle h : model.graph(model.main_graph()).values) {
      const Value &value = model.value(h);
      const bool quantizable = value.type.dtype == HT_F32 || value.type.dtype == HT_DTYPE_NONE;
      if (quantizable && !value.initializer && !value.type.has_shape) without += " " + value.name;
    }
    CHECK(without.empty());
    ++models;
  }
  MESSAGE("looked at ", models, " models");
}

TEST_CASE("a node of a newer opset gets no wrong type from an older schema") {
  const std::string graph = R"(
    node { input: "x" input: "axes" output: "y" op_type: "ReduceMean" name: "mean" }
    node { input: "x" output: "beside" op_type: "Relu" }
    initializer { name: "axes" dims: 1 data_type: 7 int64_data: 1 })" +
                            kInput;
  const Model model = import_onnx_bytes(model_bytes(graph, 18), {}).model;
  // An onnx that knows opset 18 says the right shape, an older one nothing.
  CHECK(type_text(model, "y") == (linked_opset() >= 18 ? "float32[N,1,8,8]" : "none"));
  CHECK(type_text(model, "beside") == "float32[N,3,8,8]");
}

TEST_CASE("types inside subgraphs are inferred") {
  const Model model = import_onnx_bytes(model_bytes(R"(
    node { input: "c" output: "y" op_type: "If" name: "if"
      attribute { name: "then_branch" type: GRAPH g { name: "t" node { input: "x" output: "t1" op_type: "Relu" }
        node { input: "t1" output: "t2" op_type: "Relu" } output { name: "t2" } } }
      attribute { name: "else_branch" type: GRAPH g { name: "e" node { input: "x" output: "e1" op_type: "Neg" } output { name: "e1" } } } }
    input { name: "c" type { tensor_type { elem_type: 9 shape { } } } })" +
                                                    kInput),
                                        {})
                          .model;
  const Handle inner = model.subgraphs(model.find_node(model.main_graph(), "if")).at(1);
  CHECK(model.value(model.find_value(inner, "t1")).type.dims.size() == 4);
  CHECK(type_text(model, "y") == "float32[N,3,8,8]");
}

TEST_CASE("operators are known by domain and opset") {
  CHECK(is_known_operator("", "Conv", 13));
  CHECK(is_known_operator("ai.onnx", "Conv", 13));
  CHECK_FALSE(is_known_operator("", "LayerNormalization", 13));
  CHECK_FALSE(is_known_operator("com.example", "Conv", 13));
  CHECK(linked_opset() >= 17);
}

}  // namespace halftone::model
