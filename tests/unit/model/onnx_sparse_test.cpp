// Sparse constants: dense where a model is run, as they were where it is only read.
#include <doctest/doctest.h>

#include "core/model/onnx_functions.h"
#include "core/model/onnx_io.h"
#include "tests/unit/base/expect_error.h"
#include "tests/unit/model/graph_maker.h"
#include "tests/unit/model/onnx_canonical.h"

namespace halftone::model {
using test::model_bytes;

namespace {

std::string sparse(const std::string &last_index) {
  return model_bytes(R"(
    node { output: "c" op_type: "Constant" name: "k" attribute { name: "sparse_value" type: SPARSE_TENSOR sparse_tensor {
      values { dims: 2 data_type: 1 float_data: 5 float_data: 7 }
      indices { dims: 2 data_type: 7 int64_data: 1 int64_data: )" +
                     last_index + R"( } dims: 2 dims: 3 } } }
    node { input: "c" input: "s" output: "y" op_type: "Add" name: "add" }
    sparse_initializer { values { name: "s" dims: 1 data_type: 1 float_data: 3 }
      indices { dims: 1 dims: 2 data_type: 7 int64_data: 1 int64_data: 0 } dims: 2 dims: 3 }
    output { name: "y" })");
}

using Floats = std::vector<float>;

}  // namespace

TEST_CASE("sparse constants are dense in a model that is run") {
  const Model model = import_onnx_bytes_expanded(sparse("5"), {}).model;
  const Node &node = model.node(model.find_node(model.main_graph(), "k"));
  CHECK_FALSE(node.attributes.contains("sparse_value"));
  const auto &tensor = std::get<Tensor>(node.attributes.at("value").data);
  CHECK(tensor.shape() == Shape{2, 3});
  CHECK(tensor.to_floats() == Floats{0, 5, 0, 0, 0, 7});
  const Value &value = model.value(model.find_value(model.main_graph(), "s"));
  REQUIRE(value.initializer);
  CHECK(value.initializer->to_floats() == Floats{0, 0, 0, 3, 0, 0});
}

TEST_CASE("sparse constants stay sparse in a model that is only read") {
  const Model model = import_onnx_bytes(sparse("5"), {}).model;
  CHECK(model.node(model.find_node(model.main_graph(), "k")).attributes.contains("sparse_value"));
  const onnx::ModelProto again = test::parse_bytes(export_onnx_bytes(model));
  CHECK(again.graph().sparse_initializer_size() == 1);
}

TEST_CASE("indices beyond a sparse constant are refused") {
  halftone::test::expect_error(Status::kDataLoss, {"indices of the sparse constant", "do not fit its shape"},
                               [] { import_onnx_bytes_expanded(sparse("6"), {}); });
}

}  // namespace halftone::model
